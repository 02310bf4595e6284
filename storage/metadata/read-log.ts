import type { Queryable } from '@streamhouse/platform/database'

/** A place to read from. */
export interface LogPosition {
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  readonly maxBytes: number
}

/** Where a contiguous range of offsets lies; all of it immutable once given. */
export interface Extent {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly objectKey: string
  readonly objectBytes: number
  /** The run's byte range in the object. */
  readonly storedStart: number
  readonly storedLength: number
  readonly encoding: number
  /** The part of the decoded run that is this extent's. */
  readonly sliceStart: number
  readonly sliceLength: number
}

export interface LogRange {
  readonly logStart: bigint
  readonly highWatermark: bigint
  readonly lastStable: bigint
  /** In offset order, without gaps, the first one holding the position; empty when the position lies outside the log. */
  readonly extents: readonly Extent[]
}

interface Row {
  slot: number
  log_start: bigint | null
  high_watermark: bigint
  last_stable: bigint
  base_offset: bigint | null
  last_offset: bigint
  object_key: string
  object_size: bigint
  stored_start: number
  stored_length: number
  encoding: number
  slice_start: number
  slice_length: number
}

/**
 * Finds what to read for each position, in one round trip, stopping at the byte budgets; the first position with data gets at
 * least one extent whatever its size.
 * @returns one range for each position, null where there is no such partition
 */
export async function readLog(
  database: Queryable,
  organizationId: string,
  positions: readonly LogPosition[],
  totalBytes: number,
): Promise<(LogRange | null)[]> {
  const result = await database.query<Row>({
    name: 'read_log',
    text: 'select * from read_log($1, $2, $3, $4, $5, $6)',
    values: [
      organizationId,
      positions.map((position) => position.topicId),
      positions.map((position) => position.partition),
      positions.map((position) => position.offset),
      positions.map((position) => position.maxBytes),
      totalBytes,
    ],
  })
  const ranges: (LogRange | null)[] = positions.map(() => null)
  let extents: Extent[] = []
  let slot = -1
  for (const row of result.rows) {
    if (row.log_start === null) continue
    if (row.slot !== slot) {
      slot = row.slot
      extents = []
      ranges[slot] = {
        logStart: row.log_start,
        highWatermark: row.high_watermark,
        lastStable: row.last_stable,
        extents,
      }
    }
    if (row.base_offset !== null) extents.push(toExtent(row, row.base_offset))
  }
  return ranges
}

function toExtent(row: Row, baseOffset: bigint): Extent {
  return {
    baseOffset,
    lastOffset: row.last_offset,
    objectKey: row.object_key,
    objectBytes: Number(row.object_size),
    storedStart: row.stored_start,
    storedLength: row.stored_length,
    encoding: row.encoding,
    sliceStart: row.slice_start,
    sliceLength: row.slice_length,
  }
}
