import { CodecError } from '@streamhouse/proto/kafka/codec/errors'
import { messageSetToBatch } from '@streamhouse/proto/kafka/codec/message-set'
import {
  compressionOf,
  isTransactional,
  magicOf,
  setLogAppendTime,
  setMaxTimestamp,
} from '@streamhouse/proto/kafka/codec/record-batch'
import { DECOMPRESSED_BYTES_MAX_DEFAULT } from '@streamhouse/proto/kafka/codec/records'
import { type ValidBatch, validateProduceBatch } from '@streamhouse/proto/kafka/codec/validate-batch'
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

/** Unpacking holds up everything else, so that a small batch must not become a large one. Several times what producers send. */
const decompressedBytesFloor = 32 * 1024 * 1024

/**
 * Judges what was produced to one partition, by the rules of its topic, and makes it ready for the log: message sets become a
 * batch, the batch gets its records' greatest timestamp where it told another, and where the topic wants it the agent's time,
 * all in place.
 */
export function admitRecords(
  records: Buffer | null,
  settings: TopicConfig,
  apiVersion: number,
  nowMs: bigint,
): AdmittedBatch | Refusal {
  const { maxMessageBytes, compacted } = settings
  const maxDecompressedBytes = decompressedBytesMax(maxMessageBytes)
  const batch = apiVersion < firstBatchVersion ? fromOldFormat(records, maxDecompressedBytes) : records
  if (batch !== null && 'errorCode' in batch) return batch
  const rules = { apiVersion, maxMessageBytes, compacted, maxDecompressedBytes }
  const validation = validateProduceBatch(batch, rules)
  if (!validation.ok) return { errorCode: validation.errorCode, message: validation.message }
  const { header } = validation
  if (isTransactional(header.attributes)) {
    return {
      errorCode: ErrorCode.INVALID_TXN_STATE,
      message: 'The batch belongs to a transaction that was not begun',
    }
  }
  const bytes = batch!
  let { maxTimestamp } = validation
  if (settings.timestampType === 'LogAppendTime') {
    setLogAppendTime(bytes, nowMs)
    maxTimestamp = nowMs
  } else {
    const refusal = checkTimestamps(validation, settings, nowMs)
    if (refusal !== null) return refusal
    if (maxTimestamp !== header.maxTimestamp) setMaxTimestamp(bytes, maxTimestamp)
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

/** Room for a batch of the topic's largest that compresses well, up to what readers unpack. */
function decompressedBytesMax(maxMessageBytes: number): number {
  return Math.min(DECOMPRESSED_BYTES_MAX_DEFAULT, Math.max(decompressedBytesFloor, 4 * maxMessageBytes))
}

function fromOldFormat(records: Buffer | null, maxDecompressedBytes: number): Buffer | Refusal | null {
  // Clients of Produce 0 to 2 that know format 2 may send it all the same; Kafka goes by the magic byte too.
  if (records === null || records.length === 0 || magicOf(records) === 2) return records
  try {
    return messageSetToBatch(records, maxDecompressedBytes)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    const tooLarge = error.code === 'decompressed-too-large'
    const errorCode = tooLarge ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.CORRUPT_MESSAGE
    return { errorCode, message: error.message }
  }
}

/** As Kafka's LogValidator, by message.timestamp.before.max.ms and .after.max.ms; -1 stands for no timestamp. */
function checkTimestamps(batch: ValidBatch, settings: TopicConfig, nowMs: bigint): Refusal | null {
  const { minTimestamp, maxTimestamp } = batch
  if (maxTimestamp - nowMs > settings.timestampAfterMaxMs) {
    const message = `Timestamp ${maxTimestamp} is more than ${settings.timestampAfterMaxMs} ms after the agent's time ${nowMs}`
    return { errorCode: ErrorCode.INVALID_TIMESTAMP, message }
  }
  if (minTimestamp !== -1n && nowMs - minTimestamp > settings.timestampBeforeMaxMs) {
    const message = `Timestamp ${minTimestamp} is more than ${settings.timestampBeforeMaxMs} ms before the agent's time ${nowMs}`
    return { errorCode: ErrorCode.INVALID_TIMESTAMP, message }
  }
  return null
}
