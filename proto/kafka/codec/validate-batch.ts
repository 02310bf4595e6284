import { ErrorCode } from '../errors.ts'
import { CodecError } from './errors.ts'
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSizeAt,
  compressionOf,
  isControl,
  isLogAppendTime,
  isTransactional,
  magicOf,
  readBatchHeader,
  verifyCrc,
} from './record-batch.ts'
import { DECOMPRESSED_BYTES_MAX_DEFAULT, RECORD_BYTES_MIN } from './records.ts'
import { type RecordsFound, walkRecords } from './walk-records.ts'

export interface InvalidBatch {
  readonly ok: false
  readonly errorCode: ErrorCode
  readonly message: string
}

export interface ValidBatch extends RecordsFound {
  readonly ok: true
  readonly header: BatchHeader
}

export type BatchValidation = ValidBatch | InvalidBatch

export interface ProduceRules {
  /** Version of the Produce request; zstd came with 7 (KIP-110). */
  readonly apiVersion: number
  readonly maxMessageBytes: number
  /** Whether the topic's cleanup.policy has `compact`: then every record needs a key. */
  readonly compacted: boolean
  /** What a compressed batch may unpack to; 128 MiB when absent. */
  readonly maxDecompressedBytes?: number
}

function invalid(errorCode: ErrorCode, message: string): InvalidBatch {
  return { ok: false, errorCode, message }
}

/**
 * Judges what a client produced to one partition, as ProduceRequest.validateRecords, UnifiedLog and LogValidator do in
 * Kafka: exactly one v2 batch with base offset 0, a right CRC, a header that agrees with itself, and records that agree with the
 * header, so that no consumer gets stuck at it. Compressed records are unpacked for this and stay as they are in the batch.
 * Timestamps are only reported: their limits are the topic's, and a wrong maxTimestamp is for the caller to correct, as Kafka does.
 * Old formats are not for this function: they are converted first.
 */
export function validateProduceBatch(records: Buffer | null, rules: ProduceRules): BatchValidation {
  if (records === null || records.length === 0) {
    return invalid(
      ErrorCode.INVALID_RECORD,
      'Produce requests must hold exactly one record batch per partition, not none',
    )
  }
  let header: BatchHeader
  try {
    const magic = magicOf(records)
    // As ByteBufferLogInputStream: a format that never was is corruption, and what is cut off is no batch at all.
    if (magic !== null && magic !== 2) {
      const known = magic === 0 || magic === 1
      const errorCode = known ? ErrorCode.INVALID_RECORD : ErrorCode.CORRUPT_MESSAGE
      return invalid(errorCode, `Record batch has magic ${magic}, not 2`)
    }
    if (magic === null || batchSizeAt(records, 0) !== records.length) {
      return invalid(
        ErrorCode.INVALID_RECORD,
        `Produce requests must hold exactly one whole record batch per partition; there are ${records.length} bytes`,
      )
    }
    header = readBatchHeader(records)
  } catch (error) {
    if (error instanceof CodecError) return invalid(ErrorCode.CORRUPT_MESSAGE, error.message)
    throw error
  }
  if (header.sizeBytes > rules.maxMessageBytes) {
    const message = `Record batch of ${header.sizeBytes} bytes is larger than max.message.bytes ${rules.maxMessageBytes}`
    return invalid(ErrorCode.MESSAGE_TOO_LARGE, message)
  }
  if (!verifyCrc(records))
    return invalid(ErrorCode.CORRUPT_MESSAGE, `Record batch has the wrong CRC ${header.crc}`)
  return checkAttributes(header, rules) ?? checkCounts(header) ?? checkRecords(records, header, rules)
}

function checkAttributes(header: BatchHeader, rules: ProduceRules): InvalidBatch | null {
  const { attributes } = header
  const compression = compressionOf(attributes)
  if (compression === null) {
    return invalid(ErrorCode.INVALID_RECORD, `Record batch names the unknown compression ${attributes & 7}`)
  }
  if (compression === 'zstd' && rules.apiVersion < 7) {
    const message = `Produce version ${rules.apiVersion} does not allow zstd, which needs version 7`
    return invalid(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message)
  }
  if (isControl(attributes)) return invalid(ErrorCode.INVALID_RECORD, 'Clients may not write control records')
  if (isLogAppendTime(attributes)) {
    return invalid(ErrorCode.INVALID_TIMESTAMP, 'Producers may not set the timestamp type to LogAppendTime')
  }
  if (header.producerId >= 0n && header.baseSequence < 0) {
    const message = `Base sequence ${header.baseSequence} of producer ${header.producerId} is negative`
    return invalid(ErrorCode.INVALID_RECORD, message)
  }
  if (header.producerId >= 0n && header.producerEpoch < 0) {
    const message = `Epoch ${header.producerEpoch} of producer ${header.producerId} is negative`
    return invalid(ErrorCode.INVALID_RECORD, message)
  }
  if (isTransactional(attributes) && header.producerId < 0n) {
    return invalid(ErrorCode.INVALID_RECORD, 'Transactional record batch has no producer id')
  }
  return null
}

function checkCounts(header: BatchHeader): InvalidBatch | null {
  const { recordCount, lastOffsetDelta } = header
  if (header.baseOffset !== 0n) {
    return invalid(
      ErrorCode.INVALID_RECORD,
      `Base offset ${header.baseOffset} of a produced record batch must be 0`,
    )
  }
  if (recordCount <= 0 || recordCount !== lastOffsetDelta + 1) {
    const message = `Record count ${recordCount} does not agree with the last offset delta ${lastOffsetDelta}`
    return invalid(ErrorCode.INVALID_RECORD, message)
  }
  const bytes = header.sizeBytes - BATCH_HEADER_BYTES
  if (compressionOf(header.attributes) === 'none' && recordCount * RECORD_BYTES_MIN > bytes) {
    return invalid(ErrorCode.INVALID_RECORD, `${recordCount} records cannot fit into ${bytes} bytes`)
  }
  return null
}

function checkRecords(batch: Buffer, header: BatchHeader, rules: ProduceRules): BatchValidation {
  let found: RecordsFound
  try {
    found = walkRecords(batch, header, rules.maxDecompressedBytes ?? DECOMPRESSED_BYTES_MAX_DEFAULT)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    // Java's producer answers MESSAGE_TOO_LARGE by splitting the batch, which helps here too.
    const tooLarge = error.code === 'decompressed-too-large'
    return invalid(tooLarge ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.INVALID_RECORD, error.message)
  }
  if (rules.compacted && found.firstWithoutKey >= 0) {
    const message = `Record ${found.firstWithoutKey} of ${header.recordCount} has no key, which a compacted topic needs`
    return invalid(ErrorCode.INVALID_RECORD, message)
  }
  return { ok: true, header, ...found }
}
