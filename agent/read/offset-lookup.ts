import type { Database } from '@streamhouse/platform/database'
import { splitBatches } from '@streamhouse/proto/kafka/codec/record-batch'
import { decodeRecords } from '@streamhouse/proto/kafka/codec/records'
import {
  firstExtentSince,
  type PartitionBounds,
  type PartitionId,
} from '@streamhouse/storage/metadata/partition-bounds'
import type { LogReader } from './log-reader.ts'

/** A record's place in time. */
export interface TimedOffset {
  readonly offset: bigint
  readonly timestampMs: bigint
}

/** An extent is read in portions of this size when a record is searched in it. */
const portionBytes = 4 * 1024 * 1024

/** Finds offsets by time. */
export class OffsetLookup {
  private readonly database: Database
  private readonly reader: LogReader

  constructor(database: Database, reader: LogReader) {
    this.database = database
    this.reader = reader
  }

  /** The first record at or after the time, null when there is none. */
  async firstSince(
    partition: PartitionId,
    bounds: PartitionBounds,
    timestampMs: bigint,
  ): Promise<TimedOffset | null> {
    const base = await firstExtentSince(this.database, partition, timestampMs)
    if (base === null) return null
    return this.search(
      partition,
      base > bounds.logStart ? base : bounds.logStart,
      bounds.highWatermark,
      timestampMs,
    )
  }

  /** The first of the records with the largest timestamp (KIP-734), null when the partition is empty. */
  async latestTimestamp(partition: PartitionId, bounds: PartitionBounds): Promise<TimedOffset | null> {
    if (bounds.maxTimestampAt < 0n || bounds.highWatermark === bounds.logStart) return null
    const from = bounds.maxTimestampAt > bounds.logStart ? bounds.maxTimestampAt : bounds.logStart
    return this.search(partition, from, bounds.highWatermark, bounds.maxTimestamp)
  }

  private async search(
    partition: PartitionId,
    from: bigint,
    highWatermark: bigint,
    timestampMs: bigint,
  ): Promise<TimedOffset | null> {
    const { organizationId, topicId } = partition
    for (let offset = from; offset < highWatermark; ) {
      const request = { topicId, partition: partition.partition, offset, maxBytes: portionBytes }
      const { results } = await this.reader.read(organizationId, [request], portionBytes, true)
      const result = results[0]!
      if (result.kind !== 'records' || result.bytes === 0) return null
      for (const piece of result.pieces) {
        for (const { header, bytes } of splitBatches(piece).batches) {
          const nextOffset = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
          if (header.maxTimestamp >= timestampMs) {
            for (const record of decodeRecords(bytes)) {
              if (record.timestamp >= timestampMs && record.offset >= offset) {
                return { offset: record.offset, timestampMs: record.timestamp }
              }
            }
          }
          offset = nextOffset
        }
      }
    }
    return null
  }
}
