import { crc32c } from './crc32c.ts'
import { CodecError } from './errors.ts'

/*
 * A v2 record batch, big-endian:
 *
 *    0 baseOffset int64 | 8 batchLength int32 | 12 partitionLeaderEpoch int32 | 16 magic int8 | 17 crc uint32
 *   21 attributes int16 | 23 lastOffsetDelta int32 | 27 baseTimestamp int64 | 35 maxTimestamp int64
 *   43 producerId int64 | 51 producerEpoch int16 | 53 baseSequence int32 | 57 recordCount int32 | 61 records
 *
 * batchLength counts what follows it. The CRC covers all from attributes on, so that a broker may set the base offset
 * and the leader epoch without touching it.
 */
export const BATCH_HEADER_BYTES = 61
export const BATCH_OVERHEAD_BYTES = 12
const LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const MAX_TIMESTAMP_AT = 35

export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CompressionName = (typeof COMPRESSION_NAMES)[number]

export const TIMESTAMP_TYPE_LOG_APPEND = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const DELETE_HORIZON = 0x40
const COMPRESSION_MASK = 0x07

export interface BatchHeader {
  readonly baseOffset: bigint
  /** Bytes of the whole batch, the twelve in front of what batchLength counts included. */
  readonly sizeBytes: number
  readonly batchLength: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Reads the header at `start`. Throws CodecError when the batch is not v2 or does not fit into the buffer. */
export function readBatchHeader(buffer: Buffer, start = 0): BatchHeader {
  const sizeBytes = batchSizeAt(buffer, start)
  if (sizeBytes > buffer.length - start) {
    throw new CodecError(
      'truncated',
      `Batch of ${sizeBytes} bytes at ${start}, ${buffer.length - start} are left`,
    )
  }
  const magic = buffer.readInt8(start + MAGIC_AT)
  if (magic !== 2) throw new CodecError('unsupported-magic', `Batch at ${start} has magic ${magic}, not 2`)
  if (sizeBytes < BATCH_HEADER_BYTES) {
    throw new CodecError(
      'corrupt-batch',
      `Batch of ${sizeBytes} bytes at ${start} is shorter than its header`,
    )
  }
  return {
    baseOffset: buffer.readBigInt64BE(start),
    sizeBytes,
    batchLength: sizeBytes - BATCH_OVERHEAD_BYTES,
    partitionLeaderEpoch: buffer.readInt32BE(start + LEADER_EPOCH_AT),
    magic,
    crc: buffer.readUInt32BE(start + CRC_AT),
    attributes: buffer.readInt16BE(start + ATTRIBUTES_AT),
    lastOffsetDelta: buffer.readInt32BE(start + 23),
    baseTimestamp: buffer.readBigInt64BE(start + 27),
    maxTimestamp: buffer.readBigInt64BE(start + MAX_TIMESTAMP_AT),
    producerId: buffer.readBigInt64BE(start + 43),
    producerEpoch: buffer.readInt16BE(start + 51),
    baseSequence: buffer.readInt32BE(start + 53),
    recordCount: buffer.readInt32BE(start + 57),
  }
}

/** Size of the batch or old message at `start`, as its length field says; at least 17 bytes, so that magic is there. */
export function batchSizeAt(buffer: Buffer, start: number): number {
  if (start < 0 || buffer.length - start < MAGIC_AT + 1) {
    throw new CodecError('truncated', `${buffer.length - start} bytes at ${start} are too few for a batch`)
  }
  const length = buffer.readInt32BE(start + LENGTH_AT)
  // Fourteen bytes are what the smallest message of format v0 has behind its length.
  if (length < 14) throw new CodecError('corrupt-batch', `Batch at ${start} has the length ${length}`)
  return length + BATCH_OVERHEAD_BYTES
}

/** Magic byte of the first batch or message; null when there are too few bytes. It sits in one place in all formats. */
export function magicOf(records: Buffer, start = 0): number | null {
  return records.length - start > MAGIC_AT ? records.readInt8(start + MAGIC_AT) : null
}

export interface BatchSlice {
  readonly header: BatchHeader
  /** Where the batch starts in the records. */
  readonly position: number
  /** View of the whole batch. */
  readonly bytes: Buffer
}

export interface SplitBatches {
  readonly batches: BatchSlice[]
  /** Bytes of an incomplete batch at the end, as a fetch that reached its size limit may have; else 0. */
  readonly truncatedBytes: number
}

/** Splits records into batches without reading what is in them. Throws CodecError for anything but v2 batches. */
export function splitBatches(records: Buffer): SplitBatches {
  const batches: BatchSlice[] = []
  let position = 0
  while (position < records.length) {
    const left = records.length - position
    if (left <= MAGIC_AT || batchSizeAt(records, position) > left) break
    const header = readBatchHeader(records, position)
    batches.push({ header, position, bytes: records.subarray(position, position + header.sizeBytes) })
    position += header.sizeBytes
  }
  return { batches, truncatedBytes: records.length - position }
}

/** CRC-32C as it should be in the batch's header. */
export function computeBatchCrc(batch: Buffer): number {
  return crc32c(batch.subarray(ATTRIBUTES_AT))
}

/** True when the batch, which starts at 0 and fills the buffer, carries the right CRC. */
export function verifyCrc(batch: Buffer): boolean {
  return batch.length >= BATCH_HEADER_BYTES && computeBatchCrc(batch) === batch.readUInt32BE(CRC_AT)
}

/** Sets base offset and leader epoch in place; both lie outside the CRC. */
export function patchBaseOffset(batch: Buffer, baseOffset: bigint, leaderEpoch: number, start = 0): void {
  batch.writeBigInt64BE(baseOffset, start)
  batch.writeInt32BE(leaderEpoch, start + LEADER_EPOCH_AT)
}

/** Makes the batch one with the broker's time, in place, and renews its CRC. */
export function setLogAppendTime(batch: Buffer, timestamp: bigint): void {
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | TIMESTAMP_TYPE_LOG_APPEND, ATTRIBUTES_AT)
  batch.writeBigInt64BE(timestamp, MAX_TIMESTAMP_AT)
  updateCrc(batch)
}

/** Sets the greatest timestamp of the batch's records, in place, and renews the CRC. */
export function setMaxTimestamp(batch: Buffer, timestamp: bigint): void {
  batch.writeBigInt64BE(timestamp, MAX_TIMESTAMP_AT)
  updateCrc(batch)
}

export function updateCrc(batch: Buffer): void {
  batch.writeUInt32BE(computeBatchCrc(batch), CRC_AT)
}

/** Compression named by the attributes of a batch or message; null for the three unused numbers. */
export function compressionOf(attributes: number): CompressionName | null {
  return COMPRESSION_NAMES[attributes & COMPRESSION_MASK] ?? null
}

export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL) !== 0
}

export function isControl(attributes: number): boolean {
  return (attributes & CONTROL) !== 0
}

export function isLogAppendTime(attributes: number): boolean {
  return (attributes & TIMESTAMP_TYPE_LOG_APPEND) !== 0
}

/** With a delete horizon (KIP-534) the base timestamp says when the batch's tombstones may go. */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON) !== 0
}

export interface AttributeFlags {
  readonly compression: CompressionName
  readonly logAppendTime?: boolean
  readonly transactional?: boolean
  readonly control?: boolean
}

export function attributesOf(flags: AttributeFlags): number {
  return (
    COMPRESSION_NAMES.indexOf(flags.compression) |
    (flags.logAppendTime ? TIMESTAMP_TYPE_LOG_APPEND : 0) |
    (flags.transactional ? TRANSACTIONAL : 0) |
    (flags.control ? CONTROL : 0)
  )
}

export function lastOffsetOf(header: BatchHeader): bigint {
  return header.baseOffset + BigInt(header.lastOffsetDelta)
}
