import { createHash } from 'node:crypto'

/** A partition as checkers know it: its topic's id, for names are given again, and its index. */
export type PartitionName = `${string}/${number}`

export function partitionName(topicId: string, partition: number): PartitionName {
  return `${topicId}/${partition}`
}

/** How a request ended for the client that sent it: done, not done for certain, or nobody can tell. */
export type Fate = 'done' | 'refused' | 'unknown'

export interface SentBatch {
  readonly type: 'sent'
  readonly producer: string
  readonly idempotent: boolean
  readonly batch: string
  readonly partition: PartitionName
  /** The values, which are unlike any others in the run. */
  readonly records: readonly string[]
}

export interface SettledBatch {
  readonly type: 'settled'
  readonly producer: string
  readonly batch: string
  readonly partition: PartitionName
  readonly fate: Fate
  /** Offset of the first record when it is done, else -1n. */
  readonly baseOffset: bigint
}

/** A producer was told something that a correct cluster never tells it. */
export interface ProducerComplaint {
  readonly type: 'complaint'
  readonly producer: string
  readonly partition: PartitionName
  readonly message: string
}

/** A consumer's position in a partition was set, for a reason that allows any offset. */
export interface Seek {
  readonly type: 'seek'
  readonly consumer: string
  readonly partition: PartitionName
  readonly offset: bigint
}

export interface ReadRecord {
  readonly offset: bigint
  readonly value: string
}

/** What a poll brought, from the consumer's position on. */
export interface Read {
  readonly type: 'read'
  readonly consumer: string
  readonly partition: PartitionName
  readonly agent: string
  readonly position: bigint
  readonly highWatermark: bigint
  readonly records: readonly ReadRecord[]
}

/** A poll was told that its position lies outside the log. */
export interface OutOfRange {
  readonly type: 'outOfRange'
  readonly consumer: string
  readonly partition: PartitionName
  readonly agent: string
  readonly position: bigint
}

export interface Synced {
  readonly type: 'synced'
  readonly group: string
  readonly member: string
  readonly generation: number
  readonly partitions: readonly PartitionName[]
}

/** An offset commit was sent; its `committed` event says how it ended. */
export interface Commit {
  readonly type: 'commit'
  readonly group: string
  readonly member: string
  readonly generation: number
  readonly commit: string
  readonly offsets: readonly { readonly partition: PartitionName; readonly offset: bigint }[]
}

export interface Committed {
  readonly type: 'committed'
  readonly group: string
  readonly commit: string
  readonly fate: Fate
}

/** A group's offsets were asked for; its `offsets` event has the answer. */
export interface AskOffsets {
  readonly type: 'askOffsets'
  readonly group: string
  readonly ask: string
}

export interface Offsets {
  readonly type: 'offsets'
  readonly group: string
  readonly ask: string
  /** -1n when nothing is committed. */
  readonly offsets: readonly { readonly partition: PartitionName; readonly offset: bigint }[]
}

export interface TopicDeletion {
  readonly type: 'deleting'
  readonly topicId: string
}

export interface Note {
  readonly type: 'note'
  readonly text: string
}

export type HistoryEvent =
  | SentBatch
  | SettledBatch
  | ProducerComplaint
  | Seek
  | Read
  | OutOfRange
  | Synced
  | Commit
  | Committed
  | AskOffsets
  | Offsets
  | TopicDeletion
  | Note

export interface Recorded {
  readonly atMs: number
  readonly event: HistoryEvent
}

/** All that clients did and saw, in the order in which it happened. */
export class History {
  readonly recorded: Recorded[] = []
  readonly #nowMs: () => number
  #nextId = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  add(event: HistoryEvent): void {
    this.recorded.push({ atMs: this.#nowMs(), event })
  }

  note(text: string): void {
    this.add({ type: 'note', text })
  }

  /** A name that nothing else in the run has. */
  id(kind: string): string {
    return `${kind}-${this.#nextId++}`
  }

  get events(): HistoryEvent[] {
    return this.recorded.map(({ event }) => event)
  }

  /** Equal for equal histories. */
  hash(): string {
    const hash = createHash('sha256')
    for (const recorded of this.recorded) hash.update(`${describeRecorded(recorded)}\n`)
    return hash.digest('hex').slice(0, 16)
  }
}

/** One line. */
export function describeRecorded({ atMs, event }: Recorded): string {
  const text = JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  return `${atMs.toFixed(3)} ${text}`
}
