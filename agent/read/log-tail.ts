import type { Clock } from '@streamhouse/platform/clock'
import { patchBaseOffset } from '@streamhouse/proto/kafka/codec/record-batch'
import type { PartitionCommit } from '@streamhouse/storage/metadata/commit-object'
import type { AppendBatch } from '../write/append.ts'
import { leaderEpoch } from './place-batches.ts'

interface TailBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly bytes: Buffer
}

/** The newest batches of one partition, without gaps, in offset order. */
interface PartitionTail {
  readonly batches: TailBatch[]
  /** Batches before this index have been evicted; the array is cut now and then. */
  head: number
  highWatermark: bigint
  logStart: bigint
  /** When the high watermark was last known to be the metadata's. */
  verifiedMs: number
}

export interface TailRead {
  /** Whole batches from the one that holds the offset on; empty when the tail does not reach there. */
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  /** A lower bound: other agents may have committed more. -1n when nothing is known. */
  readonly highWatermark: bigint
  readonly logStart: bigint
  /** Whether the high watermark was the metadata's a moment ago: then an offset that equals it is at the end. */
  readonly fresh: boolean
}

/** An evicted prefix is cut off an array when it is this long. */
const cutAt = 256

/** For so long a high watermark passes as the metadata's: it delays what other agents write, in a partition that this one reads. */
const freshForMs = 25

const nothing: TailRead = { pieces: [], bytes: 0, highWatermark: -1n, logStart: -1n, fresh: false }

/**
 * What this agent committed last, as clients will read it: most consumers follow closely and never touch the object store.
 * It proves presence only; that something is not here says nothing. At most `maxBytes` are kept, oldest evicted first.
 */
export class LogTail {
  private readonly maxBytes: number
  private readonly clock: Clock
  private readonly partitions = new Map<string, PartitionTail>()
  private readonly evictionOrder: { tail: PartitionTail; key: string; bytes: number }[] = []
  private evictionHead = 0
  private bytes = 0

  constructor(maxBytes: number, clock: Clock) {
    this.maxBytes = maxBytes
    this.clock = clock
  }

  get sizeBytes(): number {
    return this.bytes
  }

  /** Takes over the accepted batches of a commit; their offsets are written into their bytes. */
  add(topicId: string, partition: number, batches: readonly AppendBatch[], commit: PartitionCommit): void {
    const key = `${topicId}/${partition}`
    const nowMs = this.clock.monotonicMs()
    for (const [position, batch] of batches.entries()) {
      const { outcome, baseOffset } = commit.batches[position]!
      if (outcome !== 'accepted') continue
      patchBaseOffset(batch.bytes, baseOffset, leaderEpoch)
      const lastOffset = baseOffset + BigInt(batch.recordCount) - 1n
      const tail = this.tailFor(key, baseOffset)
      tail.batches.push({ baseOffset, lastOffset, bytes: batch.bytes })
      tail.highWatermark = lastOffset + 1n
      tail.logStart = commit.logStart
      tail.verifiedMs = nowMs
      this.evictionOrder.push({ tail, key, bytes: batch.bytes.length })
      this.bytes += batch.bytes.length
    }
    this.evict()
  }

  read(topicId: string, partition: number, offset: bigint, maxBytes: number, atLeastOne: boolean): TailRead {
    const tail = this.partitions.get(`${topicId}/${partition}`)
    if (tail === undefined) return nothing
    const { batches, highWatermark, logStart } = tail
    const fresh = this.clock.monotonicMs() - tail.verifiedMs < freshForMs
    if (offset >= highWatermark || tail.head === batches.length || offset < batches[tail.head]!.baseOffset) {
      return { pieces: [], bytes: 0, highWatermark, logStart, fresh }
    }
    const pieces: Buffer[] = []
    let bytes = 0
    for (let position = findBatch(tail, offset); position < batches.length; position++) {
      const batch = batches[position]!
      if (bytes + batch.bytes.length > maxBytes && !(atLeastOne && bytes === 0)) break
      pieces.push(batch.bytes)
      bytes += batch.bytes.length
    }
    return { pieces, bytes, highWatermark, logStart, fresh }
  }

  /** The high watermark after the last commit made here, -1n when nothing is remembered. */
  end(topicId: string, partition: number): bigint {
    return this.partitions.get(`${topicId}/${partition}`)?.highWatermark ?? -1n
  }

  /** The metadata has just said how far the log reaches. */
  verified(topicId: string, partition: number, highWatermark: bigint, logStart: bigint): void {
    const tail = this.partitions.get(`${topicId}/${partition}`)
    if (tail === undefined || tail.highWatermark !== highWatermark) return
    tail.verifiedMs = this.clock.monotonicMs()
    tail.logStart = logStart
  }

  /** The tail that a batch at this offset goes on; one that does not end there is given up, for another agent wrote on. */
  private tailFor(key: string, baseOffset: bigint): PartitionTail {
    const present = this.partitions.get(key)
    if (present !== undefined && present.highWatermark === baseOffset) return present
    const fresh: PartitionTail = {
      batches: [],
      head: 0,
      highWatermark: baseOffset,
      logStart: 0n,
      verifiedMs: Number.NEGATIVE_INFINITY,
    }
    this.partitions.set(key, fresh)
    return fresh
  }

  private evict(): void {
    while (this.bytes > this.maxBytes) {
      const { tail, key, bytes } = this.evictionOrder[this.evictionHead++]!
      this.bytes -= bytes
      tail.head++
      if (tail.head === tail.batches.length && this.partitions.get(key) === tail) this.partitions.delete(key)
      if (tail.head >= cutAt && tail.head * 2 >= tail.batches.length) {
        tail.batches.splice(0, tail.head)
        tail.head = 0
      }
    }
    if (this.evictionHead >= cutAt && this.evictionHead * 2 >= this.evictionOrder.length) {
      this.evictionOrder.splice(0, this.evictionHead)
      this.evictionHead = 0
    }
  }
}

/** Index of the batch that holds the offset, which lies within the tail. */
function findBatch(tail: PartitionTail, offset: bigint): number {
  let low = tail.head
  let high = tail.batches.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (tail.batches[middle]!.lastOffset < offset) low = middle + 1
    else high = middle
  }
  return low
}
