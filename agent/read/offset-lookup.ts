import type { Database } from '@streamhouse/platform/database'
import { Semaphore } from '@streamhouse/platform/std/semaphore'
import { lastOffsetOf, splitBatches } from '@streamhouse/proto/kafka/codec/record-batch'
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

/** Portions that are searched at the same time, of all requests together: a request may name thousands of partitions. */
const searchesMax = 4

/** Finds offsets by time. */
export class OffsetLookup {
  private readonly database: Database
  private readonly reader: LogReader
  private readonly searches = new Semaphore(searchesMax)

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
    const from = base > bounds.logStart ? base : bounds.logStart
    return this.search(partition, from, bounds.highWatermark, timestampMs)
  }

  /** The first of the records with the largest timestamp (KIP-734), null when the partition is empty. */
  async latestTimestamp(partition: PartitionId, bounds: PartitionBounds): Promise<TimedOffset | null> {
    if (bounds.maxTimestampAt < 0n || bounds.highWatermark === bounds.logStart) return null
    const from = bounds.maxTimestampAt > bounds.logStart ? bounds.maxTimestampAt : bounds.logStart
    return this.search(partition, from, bounds.highWatermark, bounds.maxTimestamp)
  }

  private search(
    partition: PartitionId,
    from: bigint,
    highWatermark: bigint,
    timestampMs: bigint,
  ): Promise<TimedOffset | null> {
    return this.searches.run(async () => {
      for (let offset = from; offset < highWatermark; ) {
        const portion = await this.portion(partition, offset)
        for (const { header, bytes } of portion.flatMap((piece) => splitBatches(piece).batches)) {
          const found = header.maxTimestamp >= timestampMs ? firstIn(bytes, offset, timestampMs) : null
          if (found !== null) return found
          offset = lastOffsetOf(header) + 1n
        }
        if (portion.length === 0) return null
      }
      return null
    })
  }

  private async portion(partition: PartitionId, offset: bigint): Promise<readonly Buffer[]> {
    const { organizationId, topicId } = partition
    const request = { topicId, partition: partition.partition, offset, maxBytes: portionBytes }
    const { results } = await this.reader.read(organizationId, [request], portionBytes, true)
    const result = results[0]!
    if (result.kind === 'unreadable') throw result.error
    return result.kind === 'records' ? result.pieces : []
  }
}

function firstIn(batch: Buffer, offset: bigint, timestampMs: bigint): TimedOffset | null {
  for (const record of decodeRecords(batch)) {
    if (record.timestamp >= timestampMs && record.offset >= offset) {
      return { offset: record.offset, timestampMs: record.timestamp }
    }
  }
  return null
}
