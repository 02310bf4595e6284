import { CodecError } from '@streamhouse/proto/kafka/codec/errors'
import { messageSetToBatch } from '@streamhouse/proto/kafka/codec/message-set'
import {
  type BatchHeader,
  compressionOf,
  isTransactional,
  magicOf,
  setLogAppendTime,
} from '@streamhouse/proto/kafka/codec/record-batch'
import { validateProduceBatch } from '@streamhouse/proto/kafka/codec/validate-batch'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { TopicConfig } from '../catalog/topic-config.ts'
import type { AppendBatch } from './append.ts'

export type AdmittedBatch = Omit<AppendBatch, 'topicId' | 'partition'>

export interface Refusal {
  readonly errorCode: number
  readonly message: string
}

/** The first Produce version whose records are batches of format 2. */
const firstBatchVersion = 3

/**
 * Judges what was produced to one partition, by the rules of its topic, and makes it ready for the log: message sets become a
 * batch, and where the topic wants it the batch gets the agent's time, in place.
 */
export function admitRecords(
  records: Buffer | null,
  settings: TopicConfig,
  apiVersion: number,
  nowMs: bigint,
): AdmittedBatch | Refusal {
  const batch = apiVersion < firstBatchVersion ? fromOldFormat(records) : records
  if (batch !== null && 'errorCode' in batch) return batch
  const validation = validateProduceBatch(batch, { apiVersion, maxMessageBytes: settings.maxMessageBytes })
  if (!validation.ok) return { errorCode: validation.errorCode, message: validation.message }
  const { header } = validation
  if (isTransactional(header.attributes)) {
    return {
      errorCode: ErrorCode.INVALID_TXN_STATE,
      message: 'The batch belongs to a transaction that was not begun',
    }
  }
  const bytes = batch!
  let maxTimestamp = header.maxTimestamp
  if (settings.timestampType === 'LogAppendTime') {
    setLogAppendTime(bytes, nowMs)
    maxTimestamp = nowMs
  } else {
    const refusal = checkTimestamps(header, settings, nowMs)
    if (refusal !== null) return refusal
  }
  return {
    bytes,
    compressed: compressionOf(header.attributes) !== 'none',
    recordCount: header.lastOffsetDelta + 1,
    maxTimestamp,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
  }
}

function fromOldFormat(records: Buffer | null): Buffer | Refusal | null {
  // Clients of Produce 0 to 2 that know format 2 may send it all the same; Kafka goes by the magic byte too.
  if (records === null || records.length === 0 || magicOf(records) === 2) return records
  try {
    return messageSetToBatch(records)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return { errorCode: ErrorCode.CORRUPT_MESSAGE, message: error.message }
  }
}

/** As Kafka's LogValidator, by the batch's own bounds: message.timestamp.before.max.ms and .after.max.ms. */
function checkTimestamps(header: BatchHeader, settings: TopicConfig, nowMs: bigint): Refusal | null {
  const { baseTimestamp, maxTimestamp } = header
  if (maxTimestamp < 0n) return null
  if (maxTimestamp - nowMs > settings.timestampAfterMaxMs) {
    const message = `Timestamp ${maxTimestamp} is more than ${settings.timestampAfterMaxMs} ms after the agent's time ${nowMs}`
    return { errorCode: ErrorCode.INVALID_TIMESTAMP, message }
  }
  if (nowMs - baseTimestamp > settings.timestampBeforeMaxMs) {
    const message = `Timestamp ${baseTimestamp} is more than ${settings.timestampBeforeMaxMs} ms before the agent's time ${nowMs}`
    return { errorCode: ErrorCode.INVALID_TIMESTAMP, message }
  }
  return null
}
