import { setTimeout as sleep } from 'node:timers/promises'
import { offsetCommit } from '@streamhouse/proto/kafka/generated/08-offset-commit'
import { offsetFetch } from '@streamhouse/proto/kafka/generated/09-offset-fetch'
import { findCoordinator } from '@streamhouse/proto/kafka/generated/10-find-coordinator'
import { joinGroup } from '@streamhouse/proto/kafka/generated/11-join-group'
import { syncGroup } from '@streamhouse/proto/kafka/generated/14-sync-group'
import { Wire } from '../conformance/wire.ts'

const joinTimeoutMs = 30_000
const sessionTimeoutMs = 10_000
const memberIdRequired = 79
/** Loading, moved, or leased to another for a few seconds more. */
const passing = new Set([14, 15, 16])

/** Address of the group's coordinator, as this agent knows it. */
export async function coordinatorOf(bootstrap: string, group: string): Promise<string> {
  const wire = await Wire.connect(bootstrap)
  try {
    const answer = await wire.call(findCoordinator, 3, { key: group, keyType: 0 })
    return `${answer.host}:${answer.port}`
  } finally {
    wire.close()
  }
}

/** The only member of a group, speaking the protocol itself: its requests are sent when and where the test says. */
export interface LoneMember {
  /** Gives the error code. */
  commit(partition: number, offset: bigint): Promise<number>
  committed(partition: number): Promise<bigint>
  close(): void
}

export async function joinAlone(coordinator: string, groupId: string, topic: string): Promise<LoneMember> {
  const wire = await Wire.connect(coordinator)
  const [memberId, generationId] = await join(wire, groupId)
  const assignment = Buffer.alloc(0)
  await wire.call(syncGroup, 3, { groupId, generationId, memberId, assignments: [{ memberId, assignment }] })
  return {
    async commit(partition, committedOffset) {
      const partitions = [{ partitionIndex: partition, committedOffset, committedMetadata: '' }]
      const answer = await wire.call(offsetCommit, 7, {
        groupId,
        generationIdOrMemberEpoch: generationId,
        memberId,
        topics: [{ name: topic, partitions }],
      })
      return answer.topics[0]!.partitions[0]!.errorCode
    },
    async committed(partition) {
      const topics = [{ name: topic, partitionIndexes: [partition] }]
      const answer = await wire.call(offsetFetch, 5, { groupId, topics })
      return answer.topics[0]!.partitions[0]!.committedOffset
    },
    close: () => wire.close(),
  }
}

async function join(wire: Wire, groupId: string): Promise<[memberId: string, generation: number]> {
  let memberId = ''
  for (const deadline = performance.now() + joinTimeoutMs; ; ) {
    const answer = await wire.call(joinGroup, 5, {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs: sessionTimeoutMs,
      memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    if (answer.errorCode === 0) return [answer.memberId, answer.generationId]
    if (answer.errorCode === memberIdRequired) memberId = answer.memberId
    else if (!passing.has(answer.errorCode)) throw new Error(`Cannot join ${groupId}: ${answer.errorCode}`)
    else if (performance.now() > deadline) throw new Error(`${groupId} stays at ${answer.errorCode}`)
    else await sleep(200)
  }
}
