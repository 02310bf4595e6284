import { compressionOf, readBatchHeader } from '@streamhouse/proto/kafka/codec/record-batch'
import { type BatchInput, buildBatch } from '@streamhouse/proto/kafka/codec/records'
import type { AppendBatch } from '../write/append.ts'

/** Records without keys, one millisecond apart from `timestamp` on. */
export function recordsOf(values: readonly string[], timestamp = 1_000n): BatchInput['records'] {
  return values.map((value, place) => ({ timestamp: timestamp + BigInt(place), value: Buffer.from(value) }))
}

/** A batch as admitRecords makes it. */
export function appendBatch(
  topicId: string,
  partition: number,
  values: readonly string[],
  options: Partial<BatchInput> = {},
): AppendBatch {
  const bytes = buildBatch({ records: recordsOf(values), baseOffset: 0n, ...options })
  const header = readBatchHeader(bytes)
  return {
    topicId,
    partition,
    bytes,
    compressed: compressionOf(header.attributes) !== 'none',
    recordCount: header.recordCount,
    maxTimestamp: header.maxTimestamp,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
  }
}
