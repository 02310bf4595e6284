import type { Clock } from '@streamhouse/platform/clock'
import { BoundedMap } from '@streamhouse/platform/std/bounded-map'
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

/** Batches lie in pages of this size, which are used again: memory that came and went would cost full collections. */
const pageBytes = 1024 * 1024

/** A stretch of memory that is filled front to back and given up as a whole. */
interface Page {
  readonly memory: Buffer
  used: number
  /** The partition of each batch in it, in order. */
  readonly tails: { readonly tail: PartitionTail; readonly key: string }[]
}

/**
 * What this agent committed last, as clients will read it: most consumers follow closely and never touch the object store.
 * It proves presence only; that something is not here says nothing. Batches are copied in and copied out, so that neither
 * requests nor answers hold on to its memory, of which at most `maxBytes` are used, the oldest page making room.
 */
export class LogTail {
  private readonly maxBytes: number
  private readonly clock: Clock
  private readonly partitions = new Map<string, PartitionTail>()
  private readonly ends = new BoundedMap<string, KnownEnd>({ maxWeight: knownEndsMax })
  /** Oldest first; the last one is being filled. */
  private readonly pages: Page[] = []
  private readonly spare: Buffer[] = []
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
      this.keep(key, batch.bytes, baseOffset, nextOffset)
    }
    if (nextOffset >= 0n) this.learn(key, nextOffset, commit.logStart)
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
    return {
      pieces: bytes === 0 ? [] : [Buffer.concat(pieces, bytes)],
      bytes,
      highWatermark,
      logStart,
      fresh,
    }
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

  /** Copies a batch in, at the end of its partition's tail. */
  private keep(key: string, bytes: Buffer, baseOffset: bigint, nextOffset: bigint): void {
    const page = this.pageFor(bytes.length)
    if (page === null) return
    const memory = page.memory.subarray(page.used, page.used + bytes.length)
    bytes.copy(memory)
    patchBaseOffset(memory, baseOffset, leaderEpoch)
    page.used += bytes.length
    const tail = this.tailFor(key, baseOffset)
    tail.batches.push({ baseOffset, lastOffset: nextOffset - 1n, bytes: memory })
    tail.nextOffset = nextOffset
    page.tails.push({ tail, key })
  }

  /** The page to fill, which has room; null when no page of that size may be had. */
  private pageFor(bytes: number): Page | null {
    const open = this.pages.at(-1)
    const taken = open === undefined ? 0 : open.used + open.tails.length * batchOverheadBytes
    if (open !== undefined && taken + bytes <= open.memory.length) return open
    const size = Math.max(bytes, Math.min(pageBytes, this.maxBytes))
    if (size > this.maxBytes) return null
    while (this.bytes + size > this.maxBytes) this.evictOldest()
    const memory =
      size === pageBytes ? (this.spare.pop() ?? Buffer.allocUnsafeSlow(size)) : Buffer.allocUnsafeSlow(size)
    const page = { memory, used: 0, tails: [] }
    this.pages.push(page)
    this.bytes += size
    return page
  }

  private evictOldest(): void {
    const page = this.pages.shift()!
    this.bytes -= page.memory.length
    if (page.memory.length === pageBytes) this.spare.push(page.memory)
    for (const { tail, key } of page.tails) {
      tail.batches[tail.head++] = null
      if (tail.head === tail.batches.length && this.partitions.get(key) === tail) this.partitions.delete(key)
      if (tail.head >= cutAt && tail.head * 2 >= tail.batches.length) {
        tail.batches.splice(0, tail.head)
        tail.head = 0
      }
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
