import type { Queryable } from '@streamhouse/platform/database'

/** Names a partition of any tenant. */
export interface PartitionId {
  readonly organizationId: string
  readonly topicId: string
  readonly partition: number
}

export interface PartitionBounds {
  readonly logStart: bigint
  readonly highWatermark: bigint
  readonly lastStable: bigint
  /** Largest timestamp in the partition, and the base offset of the extent that holds it; -1n while it is empty. */
  readonly maxTimestamp: bigint
  readonly maxTimestampAt: bigint
}

/** The bounds of many partitions, possibly of several tenants; null where there is no such partition. */
export async function partitionBounds(
  database: Queryable,
  partitions: readonly PartitionId[],
): Promise<(PartitionBounds | null)[]> {
  const result = await database.query<{
    slot: number
    log_start: bigint | null
    high_watermark: bigint
    last_stable: bigint
    max_timestamp: bigint
    max_timestamp_at: bigint
  }>({
    name: 'partition_bounds',
    text: 'select * from partition_bounds($1, $2, $3)',
    values: [
      partitions.map((partition) => partition.organizationId),
      partitions.map((partition) => partition.topicId),
      partitions.map((partition) => partition.partition),
    ],
  })
  const bounds: (PartitionBounds | null)[] = partitions.map(() => null)
  for (const row of result.rows) {
    if (row.log_start === null) continue
    bounds[row.slot] = {
      logStart: row.log_start,
      highWatermark: row.high_watermark,
      lastStable: row.last_stable,
      maxTimestamp: row.max_timestamp,
      maxTimestampAt: row.max_timestamp_at,
    }
  }
  return bounds
}

/** The base offset of the first extent that holds a record at or after the time (ms), null when there is none. */
export async function firstExtentSince(
  database: Queryable,
  partition: PartitionId,
  timestampMs: bigint,
): Promise<bigint | null> {
  const result = await database.query<{ base_offset: bigint | null }>({
    name: 'first_extent_since',
    text: 'select first_extent_since($1, $2, $3, $4) as base_offset',
    values: [partition.organizationId, partition.topicId, partition.partition, timestampMs],
  })
  return result.rows[0]!.base_offset
}
