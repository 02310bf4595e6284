import { randomBytes } from 'node:crypto'
import { offsetCommit } from '@streamhouse/proto/kafka/generated/08-offset-commit'
import { offsetFetch } from '@streamhouse/proto/kafka/generated/09-offset-fetch'
import { findCoordinator } from '@streamhouse/proto/kafka/generated/10-find-coordinator'
import { type JoinGroupRequestInput, joinGroup } from '@streamhouse/proto/kafka/generated/11-join-group'
import { heartbeat } from '@streamhouse/proto/kafka/generated/12-heartbeat'
import { leaveGroup } from '@streamhouse/proto/kafka/generated/13-leave-group'
import { syncGroup } from '@streamhouse/proto/kafka/generated/14-sync-group'
import { initProducerId } from '@streamhouse/proto/kafka/generated/22-init-producer-id'
import type { Wire } from '../wire.ts'
import { errorName, type HostileCase, orClosed } from './case.ts'

const newGroup = () => `group-${randomBytes(6).toString('hex')}`

async function join(wire: Wire, request: Partial<JoinGroupRequestInput>, version = 5) {
  const whole = {
    groupId: newGroup(),
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    ...request,
  }
  const answer = await wire.call(joinGroup, version, whole)
  return { ...answer, groupId: whole.groupId, error: errorName(answer.errorCode) }
}

/** A group with one member in its first generation. */
async function joined(wire: Wire) {
  const groupId = newGroup()
  const { memberId } = await join(wire, { groupId })
  const member = await join(wire, { groupId, memberId })
  const assignments = [{ memberId, assignment: Buffer.from('a') }]
  await wire.call(syncGroup, 3, { groupId, generationId: member.generationId, memberId, assignments })
  return { groupId, memberId, generationId: member.generationId }
}

function joins(
  name: string,
  request: Partial<JoinGroupRequestInput>,
  answer: string,
  version = 5,
): HostileCase {
  return {
    name: `JoinGroup: ${name}`,
    answer,
    ask: ({ wire }) => orClosed(join(wire, request, version).then(({ error }) => error)),
  }
}

interface Commit {
  readonly generation?: number
  readonly memberId?: string
  readonly metadata?: string
  readonly partition?: number
  readonly topic?: string
}

function commits(name: string, commit: Commit, answer: string): HostileCase {
  return {
    name: `OffsetCommit: ${name}`,
    answer,
    async ask({ wire, topic }) {
      const { groupId, memberId, generationId } = await joined(wire)
      const partition = {
        partitionIndex: commit.partition ?? 0,
        committedOffset: 1n,
        committedMetadata: commit.metadata ?? '',
      }
      const answered = await wire.call(offsetCommit, 7, {
        groupId,
        memberId: commit.memberId ?? memberId,
        generationIdOrMemberEpoch: generationId + (commit.generation ?? 0),
        topics: [{ name: commit.topic ?? topic, partitions: [partition] }],
      })
      return errorName(answered.topics[0]!.partitions[0]!.errorCode)
    },
  }
}

function finds(name: string, keyType: number, key: string, answer: string): HostileCase {
  return {
    name: `FindCoordinator: ${name}`,
    answer,
    ask: ({ wire }) =>
      orClosed(wire.call(findCoordinator, 3, { key, keyType }).then((found) => errorName(found.errorCode))),
  }
}

/** Groups that are not there, and members that are not theirs. */
export const groupCases: readonly HostileCase[] = [
  joins('a first time without a member id', {}, 'MEMBER_ID_REQUIRED'),
  joins('an empty group id', { groupId: '' }, 'INVALID_GROUP_ID'),
  joins('a session timeout that is too short', { sessionTimeoutMs: 1 }, 'INVALID_SESSION_TIMEOUT'),
  joins('a session timeout that is too long', { sessionTimeoutMs: 0x7fffffff }, 'INVALID_SESSION_TIMEOUT'),
  joins('a member id that nobody gave', { memberId: 'stranger' }, 'UNKNOWN_MEMBER_ID'),
  joins('no protocols', { protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'),
  joins('no protocol type', { protocolType: '' }, 'INCONSISTENT_GROUP_PROTOCOL'),
  {
    name: 'JoinGroup: protocols that the group does not share',
    answer: 'INCONSISTENT_GROUP_PROTOCOL',
    async ask({ wire }) {
      const { groupId } = await joined(wire)
      return (await join(wire, { groupId, protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] })).error
    },
  },
  {
    name: 'Heartbeat: an unknown group, an unknown member, another generation, and the right one',
    answer: ['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'NONE'],
    async ask({ wire }) {
      const { groupId, memberId, generationId } = await joined(wire)
      const beat = async (request: { groupId: string; memberId: string; generationId: number }) =>
        errorName((await wire.call(heartbeat, 3, request)).errorCode)
      return [
        await beat({ groupId: newGroup(), memberId, generationId }),
        await beat({ groupId, memberId: 'stranger', generationId }),
        await beat({ groupId, memberId, generationId: generationId + 1 }),
        await beat({ groupId, memberId, generationId }),
      ]
    },
  },
  {
    name: 'SyncGroup: an unknown group, an unknown member, another generation, and the right one',
    answer: ['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'NONE'],
    async ask({ wire }) {
      const { groupId, memberId, generationId } = await joined(wire)
      const sync = async (request: { groupId: string; memberId: string; generationId: number }) =>
        errorName((await wire.call(syncGroup, 3, { ...request, assignments: [] })).errorCode)
      return [
        await sync({ groupId: newGroup(), memberId, generationId }),
        await sync({ groupId, memberId: 'stranger', generationId }),
        await sync({ groupId, memberId, generationId: generationId + 1 }),
        await sync({ groupId, memberId, generationId }),
      ]
    },
  },
  {
    name: 'LeaveGroup: an unknown member, and twice',
    answer: ['UNKNOWN_MEMBER_ID', 'NONE', 'UNKNOWN_MEMBER_ID'],
    async ask({ wire }) {
      const { groupId, memberId } = await joined(wire)
      const leave = async (who: string) => {
        const answer = await wire.call(leaveGroup, 3, { groupId, members: [{ memberId: who }] })
        return errorName(answer.members[0]?.errorCode ?? answer.errorCode)
      }
      return [await leave('stranger'), await leave(memberId), await leave(memberId)]
    },
  },
  commits('what it read', {}, 'NONE'),
  commits('another generation', { generation: 1 }, 'ILLEGAL_GENERATION'),
  commits('an unknown member', { memberId: 'stranger' }, 'UNKNOWN_MEMBER_ID'),
  commits('too much metadata', { metadata: 'm'.repeat(5000) }, 'OFFSET_METADATA_TOO_LARGE'),
  commits('a partition that does not exist', { partition: 99 }, 'UNKNOWN_TOPIC_OR_PARTITION'),
  commits('an unknown topic', { topic: 'no-such-topic' }, 'UNKNOWN_TOPIC_OR_PARTITION'),
  {
    name: 'OffsetFetch: an unknown group has no offsets',
    answer: ['NONE', -1n, 'NONE'],
    async ask({ wire, topic }) {
      const answer = await wire.call(offsetFetch, 5, {
        groupId: newGroup(),
        topics: [{ name: topic, partitionIndexes: [0] }],
      })
      const found = answer.topics[0]!.partitions[0]!
      return [errorName(answer.errorCode), found.committedOffset, errorName(found.errorCode)]
    },
  },
  finds('a group', 0, 'some-group', 'NONE'),
  finds('a kind that does not exist', 9, 'some-group', 'INVALID_REQUEST'),
  finds('an empty group', 0, '', 'NONE'),
  {
    name: 'InitProducerId: an empty transactional id',
    answer: 'INVALID_REQUEST',
    async ask({ wire }) {
      const answer = await wire.call(initProducerId, 3, { transactionalId: '', transactionTimeoutMs: 1000 })
      return errorName(answer.errorCode)
    },
  },
]
