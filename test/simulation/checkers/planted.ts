import type { HistoryEvent, PartitionName, ReadRecord } from '../history.ts'
import type { Evidence, FinalLog } from './checker.ts'

/** Small histories for the tests of checkers: right ones, to be falsified. */
export const partition: PartitionName = 'topic/0'

export function sent(
  producer: string,
  batch: string,
  records: readonly string[],
  idempotent = true,
): HistoryEvent {
  return { type: 'sent', producer, idempotent, batch, partition, records }
}

export function acknowledged(producer: string, batch: string, baseOffset: bigint): HistoryEvent {
  return { type: 'settled', producer, batch, partition, fate: 'done', baseOffset }
}

export function failed(producer: string, batch: string, fate: 'refused' | 'unknown'): HistoryEvent {
  return { type: 'settled', producer, batch, partition, fate, baseOffset: -1n }
}

/** A poll that got these values, from an offset on. */
export function read(consumer: string, position: bigint, values: readonly string[]): HistoryEvent {
  const records = recordsFrom(position, values)
  const highWatermark = position + BigInt(values.length)
  return { type: 'read', consumer, partition, agent: 'agent-1', position, highWatermark, records }
}

export function recordsFrom(offset: bigint, values: readonly string[]): ReadRecord[] {
  return values.map((value, index) => ({ offset: offset + BigInt(index), value }))
}

/** The whole log as one agent shows it. */
export function finalLog(values: readonly string[], agent = 'agent-1'): FinalLog {
  return { agent, partition, highWatermark: BigInt(values.length), records: recordsFrom(0n, values) }
}

export function evidence(events: readonly HistoryEvent[], ...finalLogs: readonly FinalLog[]): Evidence {
  return { events, finalLogs }
}

export function commit(name: string, offset: bigint, generation = 1, member = 'member-1'): HistoryEvent {
  return {
    type: 'commit',
    group: 'group',
    member,
    generation,
    commit: name,
    offsets: [{ partition, offset }],
  }
}

export function committed(name: string, fate: 'done' | 'refused' | 'unknown' = 'done'): HistoryEvent {
  return { type: 'committed', group: 'group', commit: name, fate }
}

/** A look-up of the group's offsets and its answer. */
export function offsets(offset: bigint): HistoryEvent[] {
  return [
    { type: 'askOffsets', group: 'group', ask: `ask ${offset}` },
    { type: 'offsets', group: 'group', ask: `ask ${offset}`, offsets: [{ partition, offset }] },
  ]
}

export function synced(
  member: string,
  generation: number,
  partitions: readonly PartitionName[],
): HistoryEvent {
  return { type: 'synced', group: 'group', member, generation, partitions }
}
