import { createRequire } from 'node:module'
import { CodecError } from '../errors.ts'
import { Reader } from '../reader.ts'

/*
 * Kafka writes snappy in the frames of the Java library (xerial): the magic, two int32 versions, then blocks, each
 * an int32 length and raw snappy. Clients other than Java's may send raw snappy alone, which brokers read too.
 */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER_BYTES = 16
const VERSION = 1
const BLOCK_BYTES = 32 * 1024

interface SnappyWasm {
  compress_raw(bytes: Uint8Array): Uint8Array
  decompress_raw(bytes: Uint8Array): Uint8Array
}

// The package's ES module wants to fetch its WASM by URL; its CommonJS twin reads the file.
const snappy = createRequire(import.meta.url)('snappy-wasm') as SnappyWasm

export function compressSnappy(bytes: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeInt32BE(VERSION, 8)
  header.writeInt32BE(VERSION, 12)
  const parts: Buffer[] = [header]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = asBuffer(snappy.compress_raw(bytes.subarray(at, at + BLOCK_BYTES)))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

export function decompressSnappy(bytes: Buffer, maxOutputLength: number): Buffer {
  if (bytes.length < HEADER_BYTES || bytes.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) {
    return decompressRaw(bytes, maxOutputLength)
  }
  const version = bytes.readInt32BE(MAGIC.length)
  if (version < VERSION) throw corrupt(`its version ${version} is older than ${VERSION}`)
  const parts: Buffer[] = []
  let left = maxOutputLength
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    if (bytes.length - at < 4)
      throw corrupt(`${bytes.length - at} bytes are left where a block length should be`)
    const size = bytes.readInt32BE(at)
    at += 4
    if (size <= 0 || size > bytes.length - at) throw corrupt(`block of ${size} bytes at ${at} does not fit`)
    const block = decompressRaw(bytes.subarray(at, at + size), left)
    left -= block.length
    parts.push(block)
    at += size
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

function decompressRaw(bytes: Buffer, maxOutputLength: number): Buffer {
  const declared = new Reader(bytes).uvarint()
  if (declared > maxOutputLength) {
    throw new CodecError(
      'decompressed-too-large',
      `Snappy block declares ${declared} of ${maxOutputLength} bytes`,
    )
  }
  // No snappy element makes more than 64 bytes out of fewer than two.
  if (declared > bytes.length * 64)
    throw corrupt(`${bytes.length} bytes cannot hold the declared ${declared}`)
  return asBuffer(snappy.decompress_raw(bytes))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function corrupt(reason: string): CodecError {
  return new CodecError('corrupt-compression', `Snappy data is corrupt: ${reason}`)
}
