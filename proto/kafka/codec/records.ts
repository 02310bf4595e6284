import { endTxnMarker } from '../generated/end-txn-marker.ts'
import { compress, decompress } from './compression.ts'
import { CodecError } from './errors.ts'
import { Reader } from './reader.ts'
import {
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  type BatchHeader,
  type CompressionName,
  compressionOf,
  isLogAppendTime,
  readBatchHeader,
  updateCrc,
} from './record-batch.ts'
import { uvarintSize, varintSize, varlongSize } from './varint.ts'
import { Writer } from './writer.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface KafkaRecord {
  readonly offset: bigint
  /** Milliseconds since 1970; -1 for none. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** Length, attributes, two deltas, two null lengths and a header count, one byte each. */
export const RECORD_BYTES_MIN = 7
const HEADER_BYTES_MIN = 2
export const DECOMPRESSED_BYTES_MAX_DEFAULT = 128 * 1024 * 1024
const NO_HEADERS: readonly RecordHeader[] = []

/**
 * Decodes the records of a v2 batch, which starts at 0. Keys and values are views of the batch, or of what came out
 * of its compression. Throws CodecError.
 */
export function decodeRecords(
  batch: Buffer,
  maxDecompressedBytes: number = DECOMPRESSED_BYTES_MAX_DEFAULT,
): KafkaRecord[] {
  const header = readBatchHeader(batch)
  const compression = compressionOf(header.attributes)
  if (compression === null) {
    throw new CodecError(
      'unsupported-compression',
      `Batch attributes ${header.attributes} name no known compression`,
    )
  }
  const packed = batch.subarray(BATCH_HEADER_BYTES, header.sizeBytes)
  const reader = new Reader(decompress(compression, packed, maxDecompressedBytes))
  const count = header.recordCount
  if (count < 0 || count * RECORD_BYTES_MIN > reader.remaining) {
    throw new CodecError('invalid-count', `${count} records cannot fit into ${reader.remaining} bytes`)
  }
  const records: KafkaRecord[] = []
  for (let i = 0; i < count; i++) records.push(decodeRecord(reader, header))
  reader.end()
  return records
}

function decodeRecord(reader: Reader, header: BatchHeader): KafkaRecord {
  const size = reader.varint()
  const outer = reader.limit
  if (size < 0 || size > outer - reader.position) {
    throw new CodecError('corrupt-record', `Record of ${size} bytes at ${reader.position} does not fit`)
  }
  reader.limit = reader.position + size
  reader.int8()
  const timestampDelta = reader.varlong()
  const offset = header.baseOffset + BigInt(reader.varint())
  const timestamp = isLogAppendTime(header.attributes)
    ? header.maxTimestamp
    : header.baseTimestamp + timestampDelta
  const key = varintBytes(reader)
  const value = varintBytes(reader)
  const headers = decodeHeaders(reader)
  reader.end()
  reader.limit = outer
  return { offset, timestamp, key, value, headers }
}

function varintBytes(reader: Reader): Buffer | null {
  const size = reader.varint()
  return size < 0 ? null : reader.raw(size)
}

function decodeHeaders(reader: Reader): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return NO_HEADERS
  if (count < 0 || count * HEADER_BYTES_MIN > reader.remaining) {
    throw new CodecError(
      'corrupt-record',
      `${count} record headers cannot fit into ${reader.remaining} bytes`,
    )
  }
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) {
    const key = varintBytes(reader)
    if (key === null) throw new CodecError('corrupt-record', `Record header at ${reader.position} has no key`)
    headers.push({ key: key.toString('utf8'), value: varintBytes(reader) })
  }
  return headers
}

export interface RecordInput {
  /** Absolute; by default the base offset plus the record's place. */
  readonly offset?: bigint
  readonly timestamp: bigint
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

export interface BatchInput {
  readonly records: readonly RecordInput[]
  readonly baseOffset?: bigint
  readonly partitionLeaderEpoch?: number
  readonly compression?: CompressionName
  readonly compressionLevel?: number
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** When given, the batch carries the broker's time and the records' own are lost. */
  readonly logAppendTime?: bigint
}

/** Encodes a v2 batch with a valid CRC. Throws CodecError when there is no record, or offsets do not fit 32 bits. */
export function buildBatch(input: BatchInput): Buffer {
  const { records } = input
  const first = records[0]
  if (first === undefined) throw new CodecError('invalid-value', 'Batch without records cannot be built')
  const baseOffset = input.baseOffset ?? first.offset ?? 0n
  const body = new Writer()
  let maxTimestamp = first.timestamp
  let lastOffsetDelta = 0
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as RecordInput
    lastOffsetDelta = offsetDelta(record, baseOffset, i)
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    encodeRecord(body, record, record.timestamp - first.timestamp, lastOffsetDelta)
  }
  const compression = input.compression ?? 'none'
  const packed = compress(compression, body.finishBuffer(), input.compressionLevel)
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + packed.length)
  packed.copy(batch, BATCH_HEADER_BYTES)
  const logAppendTime = input.logAppendTime !== undefined
  const { transactional = false, control = false } = input
  writeHeader(batch, {
    baseOffset,
    partitionLeaderEpoch: input.partitionLeaderEpoch ?? -1,
    attributes: attributesOf({ compression, logAppendTime, transactional, control }),
    lastOffsetDelta,
    baseTimestamp: first.timestamp,
    maxTimestamp: input.logAppendTime ?? maxTimestamp,
    producerId: input.producerId ?? -1n,
    producerEpoch: input.producerEpoch ?? -1,
    baseSequence: input.baseSequence ?? -1,
    recordCount: records.length,
  })
  return batch
}

function offsetDelta(record: RecordInput, baseOffset: bigint, index: number): number {
  const delta = record.offset === undefined ? index : Number(record.offset - baseOffset)
  if (delta >= 0 && delta <= 0x7fffffff) return delta
  throw new CodecError(
    'invalid-value',
    `Offset ${record.offset} is out of reach of the base offset ${baseOffset}`,
  )
}

function writeHeader(
  batch: Buffer,
  header: Omit<BatchHeader, 'sizeBytes' | 'batchLength' | 'magic' | 'crc'>,
): void {
  batch.writeBigInt64BE(header.baseOffset, 0)
  batch.writeInt32BE(batch.length - BATCH_OVERHEAD_BYTES, 8)
  batch.writeInt32BE(header.partitionLeaderEpoch, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(header.attributes, 21)
  batch.writeInt32BE(header.lastOffsetDelta, 23)
  batch.writeBigInt64BE(header.baseTimestamp, 27)
  batch.writeBigInt64BE(header.maxTimestamp, 35)
  batch.writeBigInt64BE(header.producerId, 43)
  batch.writeInt16BE(header.producerEpoch, 51)
  batch.writeInt32BE(header.baseSequence, 53)
  batch.writeInt32BE(header.recordCount, 57)
  updateCrc(batch)
}

function bytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

function encodeRecord(writer: Writer, record: RecordInput, timestampDelta: bigint, delta: number): void {
  const { key = null, value = null, headers = NO_HEADERS } = record
  let size = 1 + varlongSize(timestampDelta) + varintSize(delta) + bytesSize(key) + bytesSize(value)
  size += uvarintSize(headers.length << 1)
  for (const header of headers) {
    const keySize = Buffer.byteLength(header.key)
    size += varintSize(keySize) + keySize + bytesSize(header.value)
  }
  writer.varint(size)
  writer.int8(0)
  writer.varlong(timestampDelta)
  writer.varint(delta)
  writeVarintBytes(writer, key)
  writeVarintBytes(writer, value)
  writer.varint(headers.length)
  for (const header of headers) {
    writeVarintBytes(writer, Buffer.from(header.key))
    writeVarintBytes(writer, header.value)
  }
}

function writeVarintBytes(writer: Writer, bytes: Buffer | null): void {
  if (bytes === null) {
    writer.varint(-1)
    return
  }
  writer.varint(bytes.length)
  writer.raw(bytes)
}

export type ControlType = 'abort' | 'commit'

export interface ControlBatchInput {
  readonly type: ControlType
  readonly coordinatorEpoch: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly timestamp: bigint
  readonly baseOffset?: bigint
  readonly partitionLeaderEpoch?: number
}

/** Encodes the batch that ends a transaction in a partition: one record, its key version and type. */
export function buildControlBatch(input: ControlBatchInput): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(input.type === 'commit' ? 1 : 0, 2)
  const value = new Writer()
  value.int16(0)
  endTxnMarker.encode(value, { coordinatorEpoch: input.coordinatorEpoch }, 0)
  return buildBatch({
    records: [{ timestamp: input.timestamp, key, value: value.finishBuffer() }],
    baseOffset: input.baseOffset ?? 0n,
    partitionLeaderEpoch: input.partitionLeaderEpoch ?? -1,
    producerId: input.producerId,
    producerEpoch: input.producerEpoch,
    transactional: true,
    control: true,
  })
}

/** Type of a control record by its key; null for one that ends no transaction. */
export function controlTypeOf(key: Buffer | null): ControlType | null {
  if (key === null || key.length < 4) return null
  const type = key.readInt16BE(2)
  if (type === 0) return 'abort'
  return type === 1 ? 'commit' : null
}
