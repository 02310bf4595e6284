import type { Clock } from '@streamhouse/platform/clock'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import { type Arrivals, arrivalKey } from './arrivals.ts'
import type { LogReader, ReadRequest, ReadResult } from './log-reader.ts'
import type { TailRead } from './log-tail.ts'

export type FetchedPartition = ReadResult

export interface FetchLimits {
  /** Answer as soon as this much has been found. */
  readonly minBytes: number
  readonly maxBytes: number
  /** Answer after this time with what there is. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

export interface LongPollOptions {
  readonly reader: LogReader
  readonly arrivals: Arrivals
  readonly clock: Clock
  readonly timers: Timers
}

/** Reads, and where there is too little yet, waits for more. */
export class LongPoll {
  private readonly options: LongPollOptions

  constructor(options: LongPollOptions) {
    this.options = options
  }

  /**
   * @returns one result for each request, in order
   * @throws DatabaseError
   */
  async fetch(
    organizationId: string,
    requests: readonly ReadRequest[],
    limits: FetchLimits,
  ): Promise<FetchedPartition[]> {
    const { clock } = this.options
    const deadlineMs = clock.monotonicMs() + limits.maxWaitMs
    const minBytes = Math.min(limits.minBytes, limits.maxBytes)
    for (;;) {
      const results = await this.readOnce(organizationId, requests, limits.maxBytes)
      const leftMs = deadlineMs - clock.monotonicMs()
      let bytes = 0
      let failed = requests.length === 0
      for (const result of results) {
        if (result.kind === 'records') bytes += result.bytes
        else failed = true
      }
      if (bytes >= minBytes || failed || leftMs <= 0 || limits.signal.aborted) return results
      await this.arrival(organizationId, requests, results, leftMs, limits.signal)
    }
  }

  /**
   * Memory first; the metadata is asked about every partition that memory does not answer for certain. They share the answer
   * in the order asked for: a partition that is not in memory must not wait for ever behind ones that are.
   */
  private async readOnce(
    organizationId: string,
    requests: readonly ReadRequest[],
    maxBytes: number,
  ): Promise<FetchedPartition[]> {
    const { reader } = this.options
    const { reads, bytes } = reader.readTail(requests, maxBytes)
    const results = reads.map(fromTail)
    const open: number[] = []
    for (const [position, read] of reads.entries()) {
      const atEnd = read.fresh && requests[position]!.offset === read.highWatermark
      if (read.bytes === 0 && !atEnd) open.push(position)
    }
    if (open.length === 0) return results
    const behind = open[0]! > reads.findLastIndex((read) => read.bytes > 0)
    if (behind && bytes > 0 && bytes >= maxBytes) return results
    const looked = await reader.read(
      organizationId,
      open.map((position) => requests[position]!),
      behind ? maxBytes - bytes : maxBytes,
      !behind || bytes === 0,
    )
    for (const [index, position] of open.entries()) results[position] = looked.results[index]!
    return behind ? results : shareBytes(results, maxBytes)
  }

  /** Resolves when one of the partitions reaches further than the results say, or the time is up. */
  private arrival(
    organizationId: string,
    requests: readonly ReadRequest[],
    results: readonly FetchedPartition[],
    leftMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { arrivals, timers, reader } = this.options
    const awaited = requests.map(({ topicId, partition }, position) => {
      const result = results[position]!
      const highWatermark = result.kind === 'unknownPartition' ? -1n : result.highWatermark
      return { key: arrivalKey(organizationId, topicId, partition), highWatermark }
    })
    // What was committed here while the metadata was being asked has already been announced.
    const missed = requests.some(
      ({ topicId, partition }, position) =>
        reader.tailEnd(topicId, partition) > awaited[position]!.highWatermark,
    )
    if (missed) return Promise.resolve()
    return new Promise((resolve) => {
      let timer: Timer | null = null
      const done = () => {
        timer?.cancel()
        unsubscribe()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const unsubscribe = arrivals.subscribe(awaited, done)
      timer = timers.after(leftMs, done)
      signal.addEventListener('abort', done)
    })
  }
}

function fromTail(read: TailRead): FetchedPartition {
  const { pieces, bytes, logStart, highWatermark } = read
  return { kind: 'records', pieces, bytes, logStart, highWatermark, lastStable: highWatermark }
}

/** Cuts what was read by itself down to what fits into one answer, in order; the first piece of all stays in any case. */
function shareBytes(results: readonly FetchedPartition[], maxBytes: number): FetchedPartition[] {
  let total = 0
  return results.map((result) => {
    if (result.kind !== 'records') return result
    const pieces: Buffer[] = []
    let bytes = 0
    for (const piece of result.pieces) {
      if (total + bytes + piece.length > maxBytes && total + bytes > 0) break
      pieces.push(piece)
      bytes += piece.length
    }
    total += bytes
    return { ...result, pieces, bytes }
  })
}
