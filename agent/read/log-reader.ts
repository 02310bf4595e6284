import type { Database } from '@streamhouse/platform/database'
import { type LogRange, readLog } from '@streamhouse/storage/metadata/read-log'
import type { LogTail, TailRead } from './log-tail.ts'
import { selectBatches } from './place-batches.ts'
import { runOf } from './range-plan.ts'
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
  | ({ readonly kind: 'records'; readonly pieces: readonly Buffer[]; readonly bytes: number } & ReadBounds)

/** -1n where it is not known without asking the metadata. */
export interface ReadBounds {
  readonly logStart: bigint
  readonly highWatermark: bigint
  readonly lastStable: bigint
}

export interface LogReaderOptions {
  readonly database: Database
  readonly tail: LogTail
  readonly cache: RunCache
}

/** Reads committed batches: from memory where this agent wrote them lately, from the object store otherwise. */
export class LogReader {
  private readonly options: LogReaderOptions

  constructor(options: LogReaderOptions) {
    this.options = options
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

  /** The offset after the last one committed here, -1n when nothing is remembered. */
  tailEnd(topicId: string, partition: number): bigint {
    return this.options.tail.end(topicId, partition)
  }

  /**
   * Reads with the metadata's word on every partition. The first that has data gets a batch whatever its size, if
   * `atLeastOne`.
   * @throws DatabaseError, ObjectStoreError, StorageError CorruptObject
   */
  async read(
    organizationId: string,
    requests: readonly ReadRequest[],
    totalBytes: number,
    atLeastOne: boolean,
  ): Promise<{ results: ReadResult[]; bytes: number }> {
    const ranges = await readLog(this.options.database, organizationId, requests, totalBytes)
    const extents = ranges.flatMap((range) => range?.extents ?? [])
    const runs = this.options.cache.load(extents.map(runOf))
    const loaded = await Promise.all(runs)
    let bytes = 0
    let next = 0
    const results = requests.map((request, position): ReadResult => {
      const range = ranges[position]
      if (range === null || range === undefined) return { kind: 'unknownPartition' }
      const { logStart, highWatermark, lastStable } = range
      const bounds = { logStart, highWatermark, lastStable }
      this.options.tail.verified(request.topicId, request.partition, highWatermark, logStart)
      if (request.offset < logStart || request.offset > highWatermark)
        return { kind: 'outOfRange', ...bounds }
      const budget = Math.min(request.maxBytes, totalBytes - bytes)
      const partRuns = loaded.slice(next, next + range.extents.length)
      next += range.extents.length
      const pieces = collect(request, range, partRuns, budget, atLeastOne && bytes === 0)
      let size = 0
      for (const piece of pieces) size += piece.length
      bytes += size
      return { kind: 'records', pieces, bytes: size, ...bounds }
    })
    return { results, bytes }
  }
}

function collect(
  request: ReadRequest,
  range: LogRange,
  runs: readonly Buffer[],
  maxBytes: number,
  atLeastOne: boolean,
): Buffer[] {
  const pieces: Buffer[] = []
  let left = maxBytes
  for (const [position, extent] of range.extents.entries()) {
    const piece = selectBatches(
      runs[position]!,
      extent,
      request.offset,
      left,
      atLeastOne && pieces.length === 0,
    )
    if (piece.length > 0) pieces.push(piece)
    left -= piece.length
    const cutShort =
      piece.length === 0 || piece.byteOffset + piece.length !== sliceEnd(runs[position]!, extent)
    if (cutShort) break
  }
  return pieces
}

function sliceEnd(run: Buffer, extent: { sliceStart: number; sliceLength: number }): number {
  return run.byteOffset + extent.sliceStart + extent.sliceLength
}
