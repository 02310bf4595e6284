import type { Clock } from '@streamhouse/platform/clock'
import { BoundedMap } from '@streamhouse/platform/std/bounded-map'
import { patchBaseOffset } from '@streamhouse/proto/kafka/codec/record-batch'
import type { PartitionCommit } from '@streamhouse/storage/metadata/commit-object'
import type { AppendBatch } from '../write/append.ts'
import { ownBytes } from './own-bytes.ts'
import { leaderEpoch } from './place-batches.ts'

interface TailBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly bytes: Buffer
}

/** The newest batches of one partition, without gaps, in offset order. */
interface PartitionTail {
  /** Null where a batch has been evicted. */
  readonly batches: (TailBatch | null)[]
  /** Batches before this index have been evicted; the array is cut now and then. */
  head: number
  /** The offset after the last batch. */
  nextOffset: bigint
}

/** How far a partition's log reached when that was last heard of. */
interface KnownEnd {
  readonly highWatermark: bigint
  readonly logStart: bigint
  /** When the high watermark was the metadata's. */
  readonly verifiedMs: number
}

export interface TailRead {
  /** Whole batches from the one that holds the offset on; empty when the tail does not reach there. */
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  /** A lower bound, unless fresh: other agents may have committed more. -1n when nothing is known. */
  readonly highWatermark: bigint
  readonly logStart: bigint
  /** Whether the high watermark was the metadata's a moment ago: then an offset that equals it is at the end. */
  readonly fresh: boolean
}

/** An evicted prefix is cut off an array when it is this long. */
const cutAt = 256

/** What a batch of no bytes would take up: its entries, its view and the place of both in their arrays. */
const batchOverheadBytes = 512

/** Partitions whose ends are remembered; those not asked about for longest are forgotten first. */
const knownEndsMax = 20_000

/** For so long a high watermark passes as the metadata's: it delays what other agents write, in a partition that this one reads. */
const freshForMs = 25

const unknownEnd: KnownEnd = { highWatermark: -1n, logStart: -1n, verifiedMs: Number.NEGATIVE_INFINITY }

/**
 * What this agent committed last, as clients will read it: most consumers follow closely and never touch the object store.
 * It proves presence only; that something is not here says nothing. At most `maxBytes` are kept, oldest evicted first: the
 * batches of a request come and go together, so the frame that they are views of goes with them.
 */
export class LogTail {
  private readonly maxBytes: number
  private readonly clock: Clock
  private readonly partitions = new Map<string, PartitionTail>()
  private readonly ends = new BoundedMap<string, KnownEnd>({ maxWeight: knownEndsMax })
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

  /**
   * Takes over the accepted batches of a commit; their offsets are written into their bytes.
   * @returns the high watermark that the commit brought about, -1n when it accepted nothing
   */
  add(topicId: string, partition: number, batches: readonly AppendBatch[], commit: PartitionCommit): bigint {
    const key = `${topicId}/${partition}`
    let nextOffset = -1n
    for (const [position, batch] of batches.entries()) {
      const { outcome, baseOffset } = commit.batches[position]!
      if (outcome !== 'accepted') continue
      nextOffset = baseOffset + BigInt(batch.recordCount)
      const tail = this.tailFor(key, baseOffset)
      const bytes = ownBytes(batch.bytes)
      patchBaseOffset(bytes, baseOffset, leaderEpoch)
      tail.batches.push({ baseOffset, lastOffset: nextOffset - 1n, bytes })
      tail.nextOffset = nextOffset
      this.evictionOrder.push({ tail, key, bytes: bytes.length + batchOverheadBytes })
      this.bytes += bytes.length + batchOverheadBytes
    }
    if (nextOffset >= 0n) this.learn(key, nextOffset, commit.logStart)
    this.evict()
    return nextOffset
  }

  read(topicId: string, partition: number, offset: bigint, maxBytes: number, atLeastOne: boolean): TailRead {
    const key = `${topicId}/${partition}`
    const { highWatermark, logStart, verifiedMs } = this.ends.get(key) ?? unknownEnd
    const fresh = this.clock.monotonicMs() - verifiedMs < freshForMs
    const tail = this.partitions.get(key)
    const pieces: Buffer[] = []
    let bytes = 0
    if (tail !== undefined && holds(tail, offset)) {
      for (let position = findBatch(tail, offset); position < tail.batches.length; position++) {
        const batch = tail.batches[position]!
        if (bytes + batch.bytes.length > maxBytes && !(atLeastOne && bytes === 0)) break
        pieces.push(batch.bytes)
        bytes += batch.bytes.length
      }
    }
    return { pieces, bytes, highWatermark, logStart, fresh }
  }

  /** The high watermark as far as it is known here, -1n when it is not. */
  end(topicId: string, partition: number): bigint {
    return this.ends.get(`${topicId}/${partition}`)?.highWatermark ?? -1n
  }

  /** The metadata has just said how far the log reaches. */
  verified(topicId: string, partition: number, highWatermark: bigint, logStart: bigint): void {
    this.learn(`${topicId}/${partition}`, highWatermark, logStart)
  }

  private learn(key: string, highWatermark: bigint, logStart: bigint): void {
    const known = this.ends.get(key) ?? unknownEnd
    // Neither bound ever falls: a lower one is an answer that was overtaken.
    if (highWatermark < known.highWatermark) return
    this.ends.set(key, {
      highWatermark,
      logStart: logStart > known.logStart ? logStart : known.logStart,
      verifiedMs: this.clock.monotonicMs(),
    })
  }

  /** The tail that a batch at this offset goes on; one that does not end there is given up, for another agent wrote on. */
  private tailFor(key: string, baseOffset: bigint): PartitionTail {
    const present = this.partitions.get(key)
    if (present !== undefined && present.nextOffset === baseOffset) return present
    const tail: PartitionTail = { batches: [], head: 0, nextOffset: baseOffset }
    this.partitions.set(key, tail)
    return tail
  }

  private evict(): void {
    while (this.bytes > this.maxBytes) {
      const { tail, key, bytes } = this.evictionOrder[this.evictionHead++]!
      this.bytes -= bytes
      tail.batches[tail.head++] = null
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

function holds(tail: PartitionTail, offset: bigint): boolean {
  const oldest = tail.batches[tail.head]
  return oldest != null && offset >= oldest.baseOffset && offset < tail.nextOffset
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
