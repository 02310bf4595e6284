import type { GroupOrder, GroupOutcome, ReadRecord, SentRecord } from './client.ts'

const waitMs = 60_000
const pauseMs = 50
/** A fetch that was under way when the members changed may still bring its records: longer than fetches wait. */
const settleMs = 500

/** A member of a consumer group that reads in the background. */
export interface GroupMember {
  /** The partitions that it has now, ascending. */
  assigned(): number[]
  /** All that it read, in the order it came. */
  readonly records: ReadRecord[]
  /** Commits behind what it read. */
  commit(): Promise<void>
  close(): Promise<void>
}

export interface GroupLibrary {
  join(topic: string, group: string): Promise<GroupMember>
  send(records: readonly SentRecord[]): Promise<unknown>
  /** Committed offset of each partition, 0 where there is none; null when it cannot be asked for. */
  committed(): Promise<number[] | null>
}

/** What a group's test asks of a client whose consumers push records. */
export async function runGroup(order: GroupOrder, library: GroupLibrary): Promise<GroupOutcome> {
  const members = [await library.join(order.topic, order.group)]
  try {
    const [one] = members as [GroupMember]
    await until('the first member reads', () => {
      return one.assigned().length === order.partitions && one.records.length >= order.first
    })
    const alone = one.assigned()
    await one.commit()
    const first = one.records.splice(0)
    if (order.more.length === 0)
      return { alone, split: [], first, second: [], committed: await library.committed() }

    members.push(await library.join(order.topic, order.group))
    const shares = () => members.map((member) => member.assigned())
    await until('both members have a share', () => {
      return shares().every((share) => share.length > 0) && shares().flat().length === order.partitions
    })
    const split = shares()
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    await library.send(order.more)
    const second = () => members.flatMap((member) => member.records)
    await until('both members read', () => second().length >= order.more.length)
    for (const member of members) await member.commit()
    return { alone, split, first, second: second(), committed: await library.committed() }
  } finally {
    for (const member of members) await member.close()
  }
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + waitMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${waitMs} ms until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** The offset behind the last record of each partition. */
export function positions(records: readonly ReadRecord[]): Map<number, number> {
  const next = new Map<number, number>()
  for (const record of records)
    next.set(record.partition, Math.max(next.get(record.partition) ?? 0, record.offset + 1))
  return next
}
