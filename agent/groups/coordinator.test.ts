import { SimulatedClock } from '@streamhouse/platform/simulated/clock'
import { SeededRandom } from '@streamhouse/platform/simulated/random'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { Scheduler } from '@streamhouse/platform/simulated/scheduler'
import { SimulatedTimers } from '@streamhouse/platform/simulated/timers'
import { describe, expect, test } from 'vitest'
import { GroupCoordinator, type GroupCoordinatorOptions } from './coordinator.ts'
import { defaultGroupLimits } from './limits.ts'
import { MemoryGroupStore } from './testing/memory-group-store.ts'
import type { JoinRequest, OffsetCommitRequest } from './types.ts'

const address = { organizationId: 'org', groupId: 'g' }

function joining(change: Partial<JoinRequest> = {}): JoinRequest {
  return {
    ...address,
    memberId: '',
    instanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
    requiresKnownMemberId: true,
    supportsSkippingAssignment: true,
    reason: null,
    ...change,
  }
}

function committing(
  memberId: string,
  generationId: number,
  offset = 42n,
  groupId = 'g',
): OffsetCommitRequest {
  const offsets = [{ topicId: 't', topic: 'topic', partition: 0, offset, leaderEpoch: -1, metadata: '' }]
  const fixed = { instanceId: null, transactional: false, reportsMissingGroup: true }
  return { organizationId: 'org', groupId, memberId, generationId, ...fixed, offsets }
}

class World {
  readonly scheduler = new Scheduler()
  readonly clock = new SimulatedClock(this.scheduler)
  readonly timers = new SimulatedTimers(this.scheduler)
  readonly store = new MemoryGroupStore(this.clock)
  placedOn = 1

  agent(nodeId: number, change: Partial<GroupCoordinatorOptions> = {}): GroupCoordinator {
    return new GroupCoordinator({
      store: this.store,
      owner: { nodeId, incarnation: `incarnation-${nodeId}` },
      clock: this.clock,
      timers: this.timers,
      random: new SeededRandom(nodeId),
      log: new RecordingLog(),
      limits: { ...defaultGroupLimits, initialRebalanceDelayMs: 100 },
      isPlacedHere: () => this.placedOn === nodeId,
      leaseDurationMs: 10_000,
      upkeepIntervalMs: 2_000,
      groupsPerTenantMax: 10,
      emptyGroupIdleMs: 60_000,
      queuedWritesMax: 100,
      ...change,
    })
  }

  /** One member in a stable first generation. */
  async stable(
    agent: GroupCoordinator,
    sessionTimeoutMs = 10_000,
  ): Promise<{ memberId: string; generationId: number }> {
    const { memberId } = await agent.join(joining({ sessionTimeoutMs }))
    const joined = await agent.join(joining({ memberId, sessionTimeoutMs }))
    expect(joined).toMatchObject({ error: 'NONE', memberId, leader: memberId })
    const assignments = [{ memberId, assignment: Buffer.from('p0') }]
    const { generationId } = joined
    const identity = { ...address, memberId, instanceId: null, generationId }
    const synced = await agent.sync({ ...identity, protocolType: null, protocolName: null, assignments })
    expect(synced).toMatchObject({ error: 'NONE', protocolName: 'range' })
    expect(Buffer.from(synced.assignment).toString()).toBe('p0')
    return { memberId, generationId }
  }
}

function scenario(run: (world: World) => Promise<void>): () => Promise<void> {
  return () => {
    const world = new World()
    return world.scheduler.run(() => run(world))
  }
}

describe('group coordinator', () => {
  test(
    'a member joins, syncs, heartbeats, commits and fetches its offset',
    scenario(async (world) => {
      const agent = world.agent(1)
      const member = await world.stable(agent)
      expect(member.memberId).toMatch(/^client-[0-9a-f-]{36}$/)
      expect(await agent.heartbeat({ ...address, ...member, instanceId: null })).toEqual({ error: 'NONE' })
      expect(await agent.commitOffsets(committing(member.memberId, 1))).toEqual({
        error: 'NONE',
        results: ['NONE'],
      })
      const fetched = await agent.fetchOffsets({ ...address, partitions: null, requireStable: true })
      expect(fetched).toMatchObject({
        error: 'NONE',
        offsets: [{ topic: 'topic', partition: 0, offset: 42n }],
      })
      await agent.close()
    }),
  )

  test(
    'a group, moved by placement, goes on at the other agent without a rebalance',
    scenario(async (world) => {
      const [one, two] = [world.agent(1), world.agent(2)]
      const member = await world.stable(one)
      const beat = { ...address, ...member, instanceId: null }
      expect(await two.heartbeat(beat)).toEqual({ error: 'NOT_COORDINATOR' })
      world.placedOn = 2
      expect(await two.heartbeat(beat)).toEqual({ error: 'NOT_COORDINATOR' })
      await world.scheduler.sleep(2_500)
      expect(await one.heartbeat(beat)).toEqual({ error: 'NOT_COORDINATOR' })
      expect(await two.heartbeat(beat)).toEqual({ error: 'NONE' })
      expect(two.describe(address)).toMatchObject({
        state: 'Stable',
        members: [{ memberId: member.memberId }],
      })
      expect(await two.commitOffsets(committing(member.memberId, 1))).toMatchObject({ error: 'NONE' })
      await Promise.all([one.close(), two.close()])
    }),
  )

  test(
    'an owner that was taken for dead is refused its write and drops the group',
    scenario(async (world) => {
      const [one, two] = [world.agent(1, { leaseDurationMs: 1_000, upkeepIntervalMs: 400 }), world.agent(2)]
      const member = await world.stable(one)
      const failure = new Error('unreachable')
      world.store.failure = failure
      await world.scheduler.sleep(900)
      world.store.failure = null
      world.clock.skewMs = 5_000
      world.placedOn = 2
      expect(await two.heartbeat({ ...address, ...member, instanceId: null })).toEqual({ error: 'NONE' })
      expect(await one.commitOffsets(committing(member.memberId, 1))).toEqual({
        error: 'NOT_COORDINATOR',
        results: [],
      })
      expect(one.describe(address)).toBeNull()
      const fetched = await two.fetchOffsets({ ...address, partitions: null, requireStable: false })
      expect(fetched.offsets).toEqual([])
      await Promise.all([one.close(), two.close()])
    }),
  )

  test(
    'an owner that cannot renew for a whole lease drops its groups',
    scenario(async (world) => {
      const agent = world.agent(1)
      await world.stable(agent, 600_000)
      const waiting = agent.join(joining({ requiresKnownMemberId: false }))
      world.store.failure = new Error('unreachable')
      expect(await waiting).toMatchObject({ error: 'NOT_COORDINATOR' })
      expect(agent.describe(address)).toBeNull()
      await expect(agent.join(joining())).rejects.toThrow('unreachable')
      world.store.failure = null
      await agent.close()
    }),
  )

  test(
    'a silent member is put out, and what it commits is refused',
    scenario(async (world) => {
      const agent = world.agent(1)
      const { memberId } = await world.stable(agent)
      await world.scheduler.sleep(10_500)
      expect(agent.describe(address)).toMatchObject({ state: 'Empty', members: [] })
      expect(await agent.commitOffsets(committing(memberId, 1))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
      await agent.close()
    }),
  )

  test(
    'commits are written one after the other, in their order',
    scenario(async (world) => {
      const agent = world.agent(1)
      const { memberId } = await world.stable(agent)
      const gate = Promise.withResolvers<void>()
      world.store.hold = gate.promise
      const first = agent.commitOffsets(committing(memberId, 1, 1n))
      await world.scheduler.sleep(1)
      world.store.hold = Promise.resolve()
      const second = agent.commitOffsets(committing(memberId, 1, 2n))
      await world.scheduler.sleep(1)
      gate.resolve()
      expect([(await first).error, (await second).error]).toEqual(['NONE', 'NONE'])
      const { offsets } = await agent.fetchOffsets({ ...address, partitions: null, requireStable: false })
      expect(offsets.map((each) => each.offset)).toEqual([2n])
      await agent.close()
    }),
  )

  test(
    'the bounds hold: group ids, groups of a tenant, queued writes, offset metadata',
    scenario(async (world) => {
      const agent = world.agent(1, { groupsPerTenantMax: 2, queuedWritesMax: 1 })
      expect(await agent.join(joining({ groupId: '' }))).toMatchObject({ error: 'INVALID_GROUP_ID' })
      expect(await agent.join(joining({ groupId: 'x'.repeat(1_025) }))).toMatchObject({
        error: 'INVALID_GROUP_ID',
      })
      const { memberId } = await world.stable(agent)
      expect(await agent.join(joining({ groupId: 'second' }))).toMatchObject({ error: 'MEMBER_ID_REQUIRED' })
      expect(await agent.join(joining({ groupId: 'third' }))).toMatchObject({
        error: 'COORDINATOR_NOT_AVAILABLE',
      })
      const commits = [1n, 2n].map((offset) => agent.commitOffsets(committing(memberId, 1, offset)))
      const outcomes = (await Promise.all(commits)).map(({ error }) => error)
      expect(outcomes).toEqual(['NONE', 'COORDINATOR_NOT_AVAILABLE'])
      const long = committing(memberId, 1)
      const refused = {
        ...long,
        offsets: [{ ...long.offsets[0]!, metadata: 'x'.repeat(4_097) }, long.offsets[0]!],
      }
      expect(await agent.commitOffsets(refused)).toEqual({
        error: 'NONE',
        results: ['OFFSET_METADATA_TOO_LARGE', 'NONE'],
      })
      await agent.close()
      expect(await agent.join(joining())).toMatchObject({ error: 'NOT_COORDINATOR' })
    }),
  )

  test(
    'an empty group that is idle leaves the memory, its offsets stay',
    scenario(async (world) => {
      const agent = world.agent(1)
      expect(await agent.commitOffsets(committing('', -1))).toEqual({ error: 'NONE', results: ['NONE'] })
      expect(agent.describe(address)).toMatchObject({ state: 'Empty' })
      await world.scheduler.sleep(63_000)
      expect(agent.describe(address)).toBeNull()
      const { offsets } = await agent.fetchOffsets({ ...address, partitions: null, requireStable: false })
      expect(offsets).toHaveLength(1)
      await agent.close()
    }),
  )
})
