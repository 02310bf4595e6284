import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import { ObjectStoreError } from '@streamhouse/platform/object-store'
import { StorageError } from '@streamhouse/storage/errors'
import { type LogRange, readLog } from '@streamhouse/storage/metadata/read-log'
import type { LogTail, TailRead } from './log-tail.ts'
import { selectBatches } from './place-batches.ts'
import { type RunLocation, runOf } from './range-plan.ts'
import { ReadAhead } from './read-ahead.ts'
import type { RunCache } from './run-cache.ts'

/** A partition to read, from an offset on. */
export interface ReadRequest {
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  readonly maxBytes: number
}

export type ReadResult =
  | { readonly kind: 'unknownPartition' }
  | ({ readonly kind: 'outOfRange' } & ReadBounds)
  /** The first of its records cannot be read: the store is away, or the object damaged. */
  | ({ readonly kind: 'unreadable'; readonly error: ObjectStoreError | StorageError } & ReadBounds)
  | ({ readonly kind: 'records'; readonly pieces: readonly Buffer[]; readonly bytes: number } & ReadBounds)

/** -1n where it is not known without asking the metadata. */
export interface ReadBounds {
  readonly logStart: bigint
  readonly highWatermark: bigint
  readonly lastStable: bigint
}

export interface LogReaderOptions {
  readonly clock: Clock
  readonly database: Database
  readonly log: Log
  readonly tail: LogTail
  readonly cache: RunCache
  /** Of ranges fetched before they are asked for. */
  readonly readAheadBytes: number
}

/** Reads committed batches: from memory where this agent wrote them lately, from the object store otherwise. */
export class LogReader {
  private readonly options: LogReaderOptions

  private readonly ahead: ReadAhead

  constructor(options: LogReaderOptions) {
    this.options = options
    this.ahead = new ReadAhead({
      clock: options.clock,
      maxBytes: options.readAheadBytes,
      load: async (organizationId, requests) => {
        const ranges = await readLog(options.database, organizationId, requests, options.readAheadBytes)
        for (const run of options.cache.load(runsOf(ranges))) run.catch(() => {})
        return ranges
      },
    })
  }

  /**
   * What memory alone can give; that it gives nothing proves nothing.
   * Partitions share `totalBytes` in the order of the requests; the first that has data gets a batch whatever its size.
   */
  readTail(requests: readonly ReadRequest[], totalBytes: number): { reads: TailRead[]; bytes: number } {
    let bytes = 0
    const reads = requests.map(({ topicId, partition, offset, maxBytes }) => {
      const budget = Math.min(maxBytes, totalBytes - bytes)
      const read = this.options.tail.read(topicId, partition, offset, budget, bytes === 0)
      bytes += read.bytes
      return read
    })
    return { reads, bytes }
  }

  /** The high watermark as far as it is known here, -1n when it is not. */
  tailEnd(topicId: string, partition: number): bigint {
    return this.options.tail.end(topicId, partition)
  }

  /**
   * Reads with the metadata's word on every partition. The first that has data gets a batch whatever its size, if
   * `atLeastOne`. What cannot be read in one partition does not keep the others from being read.
   * @throws DatabaseError
   */
  async read(
    organizationId: string,
    requests: readonly ReadRequest[],
    totalBytes: number,
    atLeastOne: boolean,
  ): Promise<{ results: ReadResult[]; bytes: number }> {
    const ranges = await this.findRanges(organizationId, requests, totalBytes)
    const runs = await Promise.allSettled(this.options.cache.load(runsOf(ranges)))
    const following: ReadRequest[] = []
    let bytes = 0
    let next = 0
    const results = requests.map((request, position): ReadResult => {
      const range = ranges[position]
      if (range === null || range === undefined) return { kind: 'unknownPartition' }
      const { logStart, highWatermark, lastStable } = range
      const bounds = { logStart, highWatermark, lastStable }
      if (request.offset < logStart || request.offset > highWatermark)
        return { kind: 'outOfRange', ...bounds }
      const budget = Math.min(request.maxBytes, totalBytes - bytes)
      const partRuns = runs.slice(next, next + range.extents.length)
      next += range.extents.length
      const { pieces, error, nextOffset } = collect(
        request,
        range,
        partRuns,
        budget,
        atLeastOne && bytes === 0,
      )
      if (error !== null) this.report(request, error)
      if (error !== null && pieces.length === 0) return { kind: 'unreadable', error, ...bounds }
      let size = 0
      for (const piece of pieces) size += piece.length
      bytes += size
      if (size > 0 && error === null && nextOffset < highWatermark)
        following.push({ ...request, offset: nextOffset })
      return { kind: 'records', pieces, bytes: size, ...bounds }
    })
    if (following.length > 0) this.ahead.prepare(organizationId, following)
    return { results, bytes }
  }

  /** What was read ahead, and the metadata's word on the rest. */
  private async findRanges(
    organizationId: string,
    requests: readonly ReadRequest[],
    totalBytes: number,
  ): Promise<(LogRange | null)[]> {
    const ranges = await Promise.all(
      requests.map((request) => this.ahead.take(organizationId, request) ?? null),
    )
    const open = requests.filter((_, position) => ranges[position] === null)
    if (open.length === 0) return ranges
    const found = await readLog(this.options.database, organizationId, open, totalBytes)
    for (const [position, { topicId, partition }] of open.entries()) {
      const range = found[position]
      if (range) this.options.tail.verified(topicId, partition, range.highWatermark, range.logStart)
    }
    let next = 0
    return ranges.map((range) => range ?? found[next++] ?? null)
  }

  private report({ topicId, partition, offset }: ReadRequest, error: ReadFailure): void {
    this.options.log.error('Records cannot be read; consumers are told to try again', {
      topicId,
      partition,
      offset,
      error,
    })
  }
}

type ReadFailure = ObjectStoreError | StorageError

/** The batches up to the budget, or up to what cannot be read, and then why. */
function collect(
  request: ReadRequest,
  range: LogRange,
  runs: readonly PromiseSettledResult<Buffer>[],
  maxBytes: number,
  atLeastOne: boolean,
): { pieces: Buffer[]; error: ReadFailure | null; nextOffset: bigint } {
  const pieces: Buffer[] = []
  let left = maxBytes
  let nextOffset = request.offset
  try {
    for (const [position, extent] of range.extents.entries()) {
      const run = runs[position]!
      if (run.status === 'rejected') throw run.reason
      const selected = selectBatches(
        run.value,
        extent,
        request.offset,
        left,
        atLeastOne && pieces.length === 0,
      )
      if (selected.bytes.length > 0) pieces.push(selected.bytes)
      left -= selected.bytes.length
      nextOffset = selected.nextOffset
      if (nextOffset <= extent.lastOffset) break
    }
  } catch (error) {
    if (error instanceof StorageError || error instanceof ObjectStoreError)
      return { pieces, error, nextOffset }
    throw error
  }
  return { pieces, error: null, nextOffset }
}

function runsOf(ranges: readonly (LogRange | null)[]): RunLocation[] {
  return ranges.flatMap((range) => range?.extents.map(runOf) ?? [])
}
