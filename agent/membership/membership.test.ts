import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { announceAgent } from '@streamhouse/storage/metadata/agents'
import { startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { Membership, type MembershipOptions } from './membership.ts'

let metadata: TestMetadata
const joined: Membership[] = []
const log = new RecordingLog()
let nextPort = 9_092

beforeAll(async () => {
  metadata = await startMetadata()
})

afterEach(async () => {
  for (const membership of joined.splice(0)) await membership.leave()
  await metadata.owner.query({ text: 'delete from agents' })
})

afterAll(() => metadata.stop())

function member(options: Partial<MembershipOptions> = {}): Membership {
  const port = nextPort++
  const membership = new Membership({
    database: metadata.database,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    log,
    nodeId: null,
    address: () => ({ host: 'agent', port }),
    rack: null,
    heartbeatIntervalMs: 20,
    ...options,
  })
  joined.push(membership)
  return membership
}

it('agents that join at the same time get different ids from 0 and see each other', async () => {
  const members = Array.from({ length: 5 }, () => member())
  await Promise.all(members.map((each) => each.join()))
  expect(members.map(({ self }) => self!.nodeId).sort()).toEqual([0, 1, 2, 3, 4])
  await vi.waitFor(() => {
    for (const each of members) expect(each.agents.map(({ nodeId }) => nodeId)).toEqual([0, 1, 2, 3, 4])
  })
  expect(members[0]!.announced).toBe(true)
})

it('an id is free again after its agent left, and after it was silent for long enough', async () => {
  const first = member()
  await first.join()
  await first.leave()
  expect((await member().join()).nodeId).toBe(0)
  const silent = { nodeId: 1, incarnation: systemRandom.uuid(), host: 'gone', port: 1, rack: null }
  await announceAgent(metadata.database, silent)
  expect((await member().join()).nodeId).toBe(2)
  await metadata.owner.query({
    text: `update agents set heartbeat_at = now() - interval '61 s' where node_id = 1`,
  })
  expect((await member().join()).nodeId).toBe(1)
})

it('an agent whose row was removed comes back, one whose id was taken stays away', async () => {
  const mine = member({ nodeId: 7 })
  await mine.join()
  await metadata.owner.query({ text: 'delete from agents' })
  await vi.waitFor(() => expect(mine.agents.map(({ nodeId }) => nodeId)).toEqual([7]))
  expect(mine.announced).toBe(true)
  const other = member({ nodeId: 7, address: () => ({ host: 'other', port: 1 }) })
  await other.join()
  await vi.waitFor(() => expect(mine.announced).toBe(false))
  expect(other.announced).toBe(true)
  await mine.leave()
  await vi.waitFor(() => expect(other.agents.map(({ host }) => host)).toEqual(['other']))
})

it('an agent that comes back to its address without having left keeps its node id', async () => {
  await member().join()
  const killed = { nodeId: 1, incarnation: systemRandom.uuid(), host: 'agent', port: 9_000, rack: null }
  await announceAgent(metadata.database, killed)
  const back = member({ address: () => ({ host: 'agent', port: 9_000 }) })
  expect((await back.join()).nodeId).toBe(1)
  expect(back.agents.map(({ nodeId }) => nodeId)).toEqual([0, 1])
})

it('an agent that comes back to its address under another node id takes its former row away', async () => {
  const killed = { nodeId: 1, incarnation: systemRandom.uuid(), host: 'agent', port: 9_000, rack: null }
  await announceAgent(metadata.database, killed)
  const back = member({ nodeId: 4, address: () => ({ host: 'agent', port: 9_000 }) })
  await back.join()
  expect(back.agents.map(({ nodeId }) => nodeId)).toEqual([4])
})
