import { crc32 } from 'node:zlib'
import { decompress } from './compression.ts'
import { CodecError } from './errors.ts'
import { Reader } from './reader.ts'
import {
  type CompressionName,
  compressionOf,
  isControl,
  isLogAppendTime,
  readBatchHeader,
} from './record-batch.ts'
import { buildBatch, DECOMPRESSED_BYTES_MAX_DEFAULT, decodeRecords, type KafkaRecord } from './records.ts'
import { Writer } from './writer.ts'

/*
 * Message sets, the formats before v2. A message is
 *
 *   offset int64 | size int32 | crc uint32 (IEEE, of what follows) | magic int8 | attributes int8
 *   | timestamp int64 (v1 only) | key bytes | value bytes
 *
 * A compressed set is one wrapper message whose value holds the inner ones. Inner offsets are absolute in v0. In v1
 * they count from 0 and the wrapper carries the offset of the last (KIP-31); a wrapper with the broker's time lends
 * it to all inside (KIP-32).
 */
const MESSAGE_BYTES_MIN = 26

export interface OldMessage {
  readonly offset: bigint
  /** -1 in format v0. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export interface MessageSet {
  readonly messages: OldMessage[]
  readonly compression: CompressionName
  /** The broker's time, when the set carries one. */
  readonly logAppendTime: bigint | null
}

interface RawMessage extends OldMessage {
  readonly magic: number
  readonly attributes: number
}

/** Reads a message set of format v0 or v1, compressed ones included. Throws CodecError. */
export function readMessageSet(
  bytes: Buffer,
  maxDecompressedBytes: number = DECOMPRESSED_BYTES_MAX_DEFAULT,
): MessageSet {
  const messages: OldMessage[] = []
  let compression: CompressionName = 'none'
  let logAppendTime: bigint | null = null
  let left = maxDecompressedBytes
  for (const message of readShallow(bytes)) {
    const name = nameOf(message.attributes)
    if (message.magic > 0 && isLogAppendTime(message.attributes)) logAppendTime = message.timestamp
    if (name === 'none') {
      messages.push(message)
      continue
    }
    compression = name
    const inner = unwrap(message, name, left)
    left -= inner.bytes
    for (const entry of inner.messages) messages.push(entry)
  }
  return { messages, compression, logAppendTime }
}

function nameOf(attributes: number): CompressionName {
  const name = compressionOf(attributes)
  if (name === null || name === 'zstd') {
    throw new CodecError(
      'unsupported-compression',
      `Message attributes ${attributes} name a compression it lacks`,
    )
  }
  return name
}

function readShallow(bytes: Buffer): RawMessage[] {
  const reader = new Reader(bytes)
  const messages: RawMessage[] = []
  while (reader.remaining > 0) messages.push(readMessage(reader))
  return messages
}

function readMessage(reader: Reader): RawMessage {
  const offset = reader.int64()
  const size = reader.int32()
  if (size < MESSAGE_BYTES_MIN - 12 || size > reader.remaining) {
    throw new CodecError(
      'truncated',
      `Message of ${size} bytes at ${reader.position}, ${reader.remaining} are left`,
    )
  }
  const outer = reader.limit
  reader.limit = reader.position + size
  const crc = reader.uint32()
  if (crc32(reader.buffer.subarray(reader.position, reader.limit)) !== crc) {
    throw new CodecError('checksum-mismatch', `Message at offset ${offset} has the wrong CRC ${crc}`)
  }
  const magic = reader.int8()
  if (magic !== 0 && magic !== 1)
    throw new CodecError('unsupported-magic', `Message has magic ${magic}, not 0 or 1`)
  const attributes = reader.int8()
  const timestamp = magic === 1 ? reader.int64() : -1n
  const key = reader.nullableBytes()
  const value = reader.nullableBytes()
  reader.end()
  reader.limit = outer
  return { offset, magic, attributes, timestamp, key, value }
}

function unwrap(
  wrapper: RawMessage,
  name: CompressionName,
  maxBytes: number,
): { messages: OldMessage[]; bytes: number } {
  if (wrapper.value === null) throw new CodecError('corrupt-record', 'Compressed message has no value')
  const bytes = decompress(name, wrapper.value, maxBytes, wrapper.magic)
  const inner = readShallow(bytes)
  const last = inner.at(-1)
  if (last === undefined) throw new CodecError('corrupt-record', 'Compressed message holds no messages')
  const base = wrapper.magic === 0 ? 0n : wrapper.offset - last.offset
  const brokerTime = wrapper.magic === 1 && isLogAppendTime(wrapper.attributes)
  const messages = inner.map((message) => {
    if (nameOf(message.attributes) !== 'none' || message.magic !== wrapper.magic) {
      throw new CodecError(
        'corrupt-record',
        'Compressed message holds another compressed or differing message',
      )
    }
    const timestamp = brokerTime ? wrapper.timestamp : message.timestamp
    return { offset: base + message.offset, timestamp, key: message.key, value: message.value }
  })
  return { messages, bytes: bytes.length }
}

/**
 * Converts a produced message set into one v2 batch with base offset 0, keeping its compression.
 * Throws CodecError, also when the set is empty.
 */
export function messageSetToBatch(bytes: Buffer, maxDecompressedBytes?: number): Buffer {
  const { messages, compression } = readMessageSet(bytes, maxDecompressedBytes)
  const records = messages.map(({ timestamp, key, value }) => ({ timestamp, key, value }))
  return buildBatch({ records, baseOffset: 0n, compression })
}

/**
 * Converts a v2 batch for a client of Fetch 0 to 3, uncompressed. Headers are lost, and v0 has no timestamps; a control
 * batch becomes nothing, as old clients do not know it. Throws CodecError.
 */
export function batchToMessageSet(batch: Buffer, magic: 0 | 1, maxDecompressedBytes?: number): Buffer {
  const { attributes } = readBatchHeader(batch)
  if (isControl(attributes)) return Buffer.alloc(0)
  const messageAttributes = magic === 1 && isLogAppendTime(attributes) ? 0x08 : 0
  const writer = new Writer()
  for (const record of decodeRecords(batch, maxDecompressedBytes)) {
    writer.raw(encodeMessage(record, magic, messageAttributes))
  }
  return writer.finishBuffer()
}

function encodeMessage(
  record: Pick<KafkaRecord, keyof OldMessage>,
  magic: 0 | 1,
  attributes: number,
): Buffer {
  const keyBytes = record.key?.length ?? 0
  const valueBytes = record.value?.length ?? 0
  const timestampBytes = magic === 1 ? 8 : 0
  const message = Buffer.allocUnsafe(MESSAGE_BYTES_MIN + timestampBytes + keyBytes + valueBytes)
  message.writeBigInt64BE(record.offset, 0)
  message.writeInt32BE(message.length - 12, 8)
  message.writeInt8(magic, 16)
  message.writeInt8(attributes, 17)
  if (magic === 1) message.writeBigInt64BE(record.timestamp, 18)
  let at = 18 + timestampBytes
  at = putBytes(message, at, record.key)
  putBytes(message, at, record.value)
  message.writeUInt32BE(crc32(message.subarray(16)), 12)
  return message
}

function putBytes(target: Buffer, at: number, bytes: Buffer | null): number {
  target.writeInt32BE(bytes === null ? -1 : bytes.length, at)
  if (bytes !== null) bytes.copy(target, at + 4)
  return at + 4 + (bytes?.length ?? 0)
}
