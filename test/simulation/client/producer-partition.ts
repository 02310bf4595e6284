import type { PartitionName } from '../history.ts'

/** Kafka's brokers remember as many batches of a producer in a partition. */
const batchesRemembered = 5

/** Records on their way to a partition; they are retried together and share one fate. */
export interface Batch {
  readonly id: string
  readonly values: readonly string[]
  readonly timestampMs: number
  readonly deadlineMs: number
  /** Null until it is sent for the first time, and again when a new epoch gives it another one. */
  sequence: number | null
  attempts: number
  /** Whether an attempt may have been appended, for all the client knows. */
  inDoubt: boolean
  /** Whether nothing before it was unsettled when it was last sent. */
  sentAsFirst: boolean
}

/**
 * The batches of one partition and their sequences. What Kafka's TransactionManager does for idempotence: retries keep their
 * sequence and go one at a time, the lowest first; new batches wait for them; a batch that is given up leaves a gap, over
 * which only a new epoch leads.
 */
export class ProducerPartition {
  readonly name: PartitionName
  readonly topicName: string
  readonly topicId: string
  readonly index: number
  /** Not under way, in order. */
  readonly waiting: Batch[] = []
  /** Under way, in order. */
  readonly sent: Batch[] = []
  nextSequence = 0
  epoch: number
  /** A sequence of this epoch was given up: no more batches until all that are under way have come back. */
  gap = false
  pausedUntilMs = 0
  /** Batches that were sent in this epoch, by their place in the order. */
  attempted = new Set<number>()

  constructor(topicName: string, topicId: string, index: number, epoch: number) {
    this.topicName = topicName
    this.topicId = topicId
    this.index = index
    this.epoch = epoch
    this.name = `${topicId}/${index}`
  }

  get unsettled(): number {
    return this.waiting.length + this.sent.length
  }

  /** The batch that may be sent now. */
  ready(nowMs: number, inFlightMax: number): Batch | null {
    const batch = this.waiting[0]
    if (batch === undefined || this.gap || nowMs < this.pausedUntilMs) return null
    if (this.sent.length >= inFlightMax) return null
    const retry = batch.attempts > 0
    return retry && !this.#isFirst(batch) ? null : batch
  }

  take(batch: Batch): void {
    this.waiting.splice(this.waiting.indexOf(batch), 1)
    batch.sentAsFirst = this.#isFirst(batch)
    batch.attempts++
    this.attempted.add(batchOrder(batch))
    this.sent.push(batch)
  }

  /** Puts a batch back in its place among those that wait. */
  putBack(batch: Batch): void {
    this.sent.splice(this.sent.indexOf(batch), 1)
    const order = batchOrder(batch)
    const at = this.waiting.findIndex((other) => batchOrder(other) > order)
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, batch)
  }

  #isFirst(batch: Batch): boolean {
    const order = batchOrder(batch)
    return this.sent.every((other) => batchOrder(other) > order)
  }

  /** Whether so many later batches may have been appended that the broker may have forgotten this one. */
  mayBeForgotten(batch: Batch): boolean {
    const order = batchOrder(batch)
    return [...this.attempted].filter((other) => other > order).length >= batchesRemembered
  }

  settle(batch: Batch): void {
    const list = this.sent.includes(batch) ? this.sent : this.waiting
    list.splice(list.indexOf(batch), 1)
  }
}

/** Batches are numbered as they are made. */
function batchOrder(batch: Batch): number {
  return Number(batch.id.slice(batch.id.lastIndexOf('-') + 1))
}
