import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { offsetCommit } from '@streamhouse/proto/kafka/generated/08-offset-commit'
import { offsetFetch } from '@streamhouse/proto/kafka/generated/09-offset-fetch'
import { joinGroup } from '@streamhouse/proto/kafka/generated/11-join-group'
import { heartbeat } from '@streamhouse/proto/kafka/generated/12-heartbeat'
import { leaveGroup } from '@streamhouse/proto/kafka/generated/13-leave-group'
import { syncGroup } from '@streamhouse/proto/kafka/generated/14-sync-group'
import { type Fate, type History, partitionName } from '../history.ts'
import type { Address, Cluster } from './cluster.ts'
import { NoAnswer } from './connection.ts'
import type { Position } from './fetch.ts'
import { assignRoundRobin, decodeAssignment, encodeAssignment, encodeSubscription } from './group-requests.ts'

export interface GroupMemberOptions {
  readonly cluster: Cluster
  readonly history: History
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** What a member has to do next. */
export type Standing = 'member' | 'rejoin' | 'outside'

/** The group protocol of one consumer, without polling. */
export class GroupMember {
  readonly #options: GroupMemberOptions
  #coordinator: Address | null = null
  #memberId = ''
  generation = -1
  standing: Standing = 'outside'

  constructor(options: GroupMemberOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.cluster.name
  }

  /** Joins and syncs; the assigned partitions, or null when that has to be tried again. */
  async join(): Promise<Omit<Position, 'offset'>[] | null> {
    const { cluster, group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const joined = await this.#ask((address) =>
      cluster.call(
        address,
        joinGroup,
        7,
        {
          groupId: group,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          memberId: this.#memberId,
          protocolType: 'consumer',
          protocols: [{ name: 'roundrobin', metadata: encodeSubscription(topics) }],
        },
        rebalanceTimeoutMs + 5_000,
      ),
    )
    if (joined === null) return null
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId
    if (this.#judge(joined.errorCode) !== 'member') return null
    this.#memberId = joined.memberId
    this.generation = joined.generationId
    const members = joined.leader === joined.memberId ? joined.members.map(({ memberId }) => memberId) : []
    return this.#sync(members)
  }

  async #sync(members: readonly string[]): Promise<Omit<Position, 'offset'>[] | null> {
    const { cluster, history, group, topics, rebalanceTimeoutMs } = this.#options
    await this.#learn(topics)
    const known = topics.flatMap((name) => cluster.topic(name) ?? [])
    const dealt = assignRoundRobin(
      members,
      known.map(({ name, leaders }) => ({ name, partitions: leaders.length })),
    )
    const answer = await this.#ask((address) =>
      cluster.call(
        address,
        syncGroup,
        5,
        {
          groupId: group,
          generationId: this.generation,
          memberId: this.#memberId,
          protocolType: 'consumer',
          protocolName: 'roundrobin',
          assignments: [...dealt].map(([memberId, assigned]) => ({
            memberId,
            assignment: encodeAssignment(assigned),
          })),
        },
        rebalanceTimeoutMs + 5_000,
      ),
    )
    if (answer === null || this.#judge(answer.errorCode) !== 'member') return null
    await this.#learn(topics)
    const assigned = decodeAssignment(answer.assignment).flatMap(({ topic: topicName, partitions }) => {
      const topic = cluster.topic(topicName)
      return topic === undefined
        ? []
        : partitions.map((index) => ({ topicName, topicId: topic.topicId, index }))
    })
    history.add({
      type: 'synced',
      group,
      member: this.#memberId,
      generation: this.generation,
      partitions: assigned.map(({ topicId, index }) => partitionName(topicId, index)),
    })
    return assigned
  }

  /** The committed offsets, -1n where there is none; null when they cannot be had now. */
  async committed(
    partitions: readonly Omit<Position, 'offset'>[],
  ): Promise<(Omit<Position, 'offset'> & { offset: bigint })[] | null> {
    const { cluster, history, group } = this.#options
    const ask = history.id('ask')
    history.add({ type: 'askOffsets', group, ask })
    const topics = partitions.map(({ topicName: name, index }) => ({ name, partitionIndexes: [index] }))
    const answer = await this.#ask((address) =>
      cluster.call(address, offsetFetch, 8, { groups: [{ groupId: group, topics }] }),
    )
    const found = answer?.groups[0]
    if (found === undefined || this.#judge(found.errorCode) !== 'member') return null
    const offsets = partitions.map((partition, at) => {
      const { errorCode, committedOffset } = found.topics[at]!.partitions[0]!
      return errorCode === ErrorCode.NONE ? { ...partition, offset: committedOffset } : null
    })
    if (offsets.some((offset) => offset === null)) return null
    const known = offsets.flatMap((offset) => offset ?? [])
    history.add({
      type: 'offsets',
      group,
      ask,
      offsets: known.map(({ topicId, index, offset }) => ({
        partition: partitionName(topicId, index),
        offset,
      })),
    })
    return known
  }

  async commit(positions: readonly Position[]): Promise<void> {
    const { cluster, history, group } = this.#options
    const { generation } = this
    const commit = history.id('commit')
    const offsets = positions.map(({ topicId, index, offset }) => ({
      partition: partitionName(topicId, index),
      offset,
    }))
    history.add({ type: 'commit', group, member: this.#memberId, generation, commit, offsets })
    let sent = false
    const answer = await this.#ask((address) => {
      sent = true
      return cluster.call(address, offsetCommit, 8, {
        groupId: group,
        generationIdOrMemberEpoch: generation,
        memberId: this.#memberId,
        topics: positions.map(({ topicName: name, index, offset }) => ({
          name,
          partitions: [{ partitionIndex: index, committedOffset: offset, committedMetadata: '' }],
        })),
      })
    })
    const codes =
      answer?.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)) ?? null
    const fate = codes === null ? (sent ? 'unknown' : 'refused') : fateOf(codes)
    history.add({ type: 'committed', group, commit, fate })
    for (const code of new Set(codes)) this.#judge(code)
  }

  /** Asks for the topics until they are known; an old answer will do. */
  async #learn(topics: readonly string[]): Promise<void> {
    const { cluster } = this.#options
    await cluster.refresh(topics)
    for (let tries = 0; tries < 20 && topics.some((name) => cluster.topic(name) === undefined); tries++) {
      await cluster.timers.sleep(100)
      await cluster.refresh(topics)
    }
  }

  async heartbeat(): Promise<void> {
    const { cluster, group } = this.#options
    const { generation: generationId } = this
    const request = { groupId: group, generationId, memberId: this.#memberId }
    const answer = await this.#ask((address) => cluster.call(address, heartbeat, 4, request))
    if (answer !== null) this.#judge(answer.errorCode)
  }

  async leave(): Promise<void> {
    const { cluster, group } = this.#options
    const request = { groupId: group, members: [{ memberId: this.#memberId }] }
    await this.#ask((address) => cluster.call(address, leaveGroup, 4, request))
    this.forget()
  }

  /** Begins anew as another member, as a process that was started again. */
  forget(): void {
    this.#memberId = ''
    this.generation = -1
    this.standing = 'outside'
  }

  async #ask<Response>(call: (address: Address) => Promise<Response>): Promise<Response | null> {
    this.#coordinator ??= await this.#options.cluster.coordinatorOf(this.#options.group)
    if (this.#coordinator === null) return null
    try {
      return await call(this.#coordinator)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      this.#coordinator = null
      return null
    }
  }

  #judge(code: number): Standing {
    switch (code) {
      case ErrorCode.NONE:
        this.standing = 'member'
        break
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_INSTANCE_ID:
        this.forget()
        break
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.REBALANCE_IN_PROGRESS:
      case ErrorCode.MEMBER_ID_REQUIRED:
        this.standing = 'rejoin'
        break
      default:
        this.#coordinator = null
        return 'outside'
    }
    return this.standing
  }
}

/** A commit that was turned away for one of these reasons is not stored. */
const refusals: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.FENCED_INSTANCE_ID,
])

function fateOf(codes: readonly number[]): Fate {
  if (codes.every((code) => code === ErrorCode.NONE)) return 'done'
  return codes.every((code) => refusals.has(code)) ? 'refused' : 'unknown'
}
