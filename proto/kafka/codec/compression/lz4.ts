import { createRequire } from 'node:module'
import xxhash from 'xxhash-wasm'
import { CodecError } from '../errors.ts'

/*
 * LZ4 frames as Kafka's Java client accepts them: version 01, independent blocks, a correct header checksum. Written
 * are blocks of 64 KiB without any other checksum, as the Java client does.
 *
 * The package's own frame functions are slower by half, and lz4js writes frames that the Java client refuses.
 */
const MAGIC = 0x184d2204
const VERSION_BITS = 0x40
const BLOCK_INDEPENDENCE = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY_ID = 0x01
const FLAGS_RESERVED = 0x02
const DESCRIPTOR_RESERVED = 0x8f
const BLOCK_64_KIB = 0x40
const BLOCK_BYTES = 64 * 1024
const STORED = 0x80000000
/** No LZ4 block makes more than 255 bytes out of one. */
const RATIO_MAX = 255

type DecodeBlock = (block: Buffer, outputBytesMax: number) => Buffer

interface Lz4Napi {
  compressSync(bytes: Buffer): Buffer
  uncompressSync(bytes: Buffer): Buffer
}

interface Lz4Js {
  decompressBlock(source: Uint8Array, target: Uint8Array, start: number, length: number, at: number): number
}

const require = createRequire(import.meta.url)
const native = loadNative()
const decodeBlock: DecodeBlock =
  native === null ? decodeWithLz4Js(require('lz4js') as Lz4Js) : decodeWithNative(native)
const { h32Raw } = await xxhash()

/** Null on a platform without a prebuilt binary; then blocks are decoded in JavaScript and written uncompressed. */
function loadNative(): Lz4Napi | null {
  try {
    return require('lz4-napi') as Lz4Napi
  } catch {
    return null
  }
}

/** The package wants the output's size in front of a block, and gives back fewer bytes when there are fewer. */
function decodeWithNative(lz4: Lz4Napi): DecodeBlock {
  return (block, outputBytesMax) => {
    const prefixed = Buffer.allocUnsafe(block.length + 4)
    prefixed.writeUInt32LE(outputBytesMax)
    block.copy(prefixed, 4)
    return lz4.uncompressSync(prefixed)
  }
}

export function decodeWithLz4Js(lz4: Lz4Js): DecodeBlock {
  return (block, outputBytesMax) => {
    const target = Buffer.alloc(outputBytesMax)
    const end = lz4.decompressBlock(block, target, 0, block.length, 0)
    if (!(end >= 0 && end <= target.length)) throw corrupt(`block makes ${end} of ${target.length} bytes`)
    return target.subarray(0, end)
  }
}

function headerChecksum(descriptor: Uint8Array): number {
  return (h32Raw(descriptor) >>> 8) & 0xff
}

export function compressLz4(bytes: Buffer): Buffer {
  const header = Buffer.alloc(7)
  header.writeUInt32LE(MAGIC)
  header[4] = VERSION_BITS | BLOCK_INDEPENDENCE
  header[5] = BLOCK_64_KIB
  header[6] = headerChecksum(header.subarray(4, 6))
  const parts: Buffer[] = [header]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES)
    const packed = native === null ? block : native.compressSync(block).subarray(4)
    const stored = packed.length >= block.length
    const size = Buffer.allocUnsafe(4)
    size.writeUInt32LE(stored ? (block.length | STORED) >>> 0 : packed.length)
    parts.push(size, stored ? block : packed)
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

/**
 * `checkHeader` is false for messages of format v0, whose writers computed the header checksum over the magic number
 * too (KAFKA-3160).
 */
export function decompressLz4(bytes: Buffer, maxOutputLength: number, checkHeader = true): Buffer {
  const frame = readFrameHeader(bytes, checkHeader)
  const parts: Buffer[] = []
  let left = maxOutputLength
  let at = frame.headerBytes
  while (true) {
    if (bytes.length - at < 4) throw corrupt('the end mark is missing')
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) {
      checkEnd(frame, bytes.length - at)
      break
    }
    const size = word & 0x7fffffff
    if (size > frame.blockBytesMax || size + frame.blockTrailerBytes > bytes.length - at)
      throw corrupt(`block of ${size} bytes does not fit`)
    const raw = bytes.subarray(at, at + size)
    if (frame.blockTrailerBytes > 0 && h32Raw(raw) !== bytes.readUInt32LE(at + size))
      throw corrupt(`block of ${size} bytes has a wrong checksum`)
    const block = word & STORED ? raw : decodeBlock(raw, Math.min(frame.blockBytesMax, size * RATIO_MAX + 64))
    at += size + frame.blockTrailerBytes
    if (block.length > frame.blockBytesMax) throw corrupt(`block makes ${block.length} bytes`)
    left -= block.length
    if (left < 0)
      throw new CodecError('decompressed-too-large', `LZ4 frame makes more than ${maxOutputLength} bytes`)
    parts.push(block)
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

interface FrameHeader {
  readonly headerBytes: number
  readonly blockBytesMax: number
  readonly blockTrailerBytes: number
  readonly endTrailerBytes: number
}

/** Kafka's reader steps over the content's checksum without looking, and fails when it is not there. */
function checkEnd(frame: FrameHeader, bytesLeft: number): void {
  if (bytesLeft < frame.endTrailerBytes) throw corrupt('the checksum behind the end mark is cut off')
}

function readFrameHeader(bytes: Buffer, checkHeader: boolean): FrameHeader {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw corrupt('it does not start with a frame')
  const flags = bytes[4] as number
  const blockSize = ((bytes[5] as number) >> 4) & 7
  if ((flags & 0xc0) !== VERSION_BITS) throw corrupt(`frame version ${flags >> 6} is not 1`)
  if ((flags & BLOCK_INDEPENDENCE) === 0) throw corrupt('dependent blocks are not supported')
  if (flags & DICTIONARY_ID) throw corrupt('dictionaries are not supported')
  if (flags & FLAGS_RESERVED || (bytes[5] as number) & DESCRIPTOR_RESERVED)
    throw corrupt('reserved bits of the frame header are set')
  if (blockSize < 4) throw corrupt(`block size ${blockSize} is not defined`)
  const end = 6 + (flags & CONTENT_SIZE ? 8 : 0)
  if (bytes.length <= end) throw corrupt('the frame header is cut off')
  if (checkHeader && headerChecksum(bytes.subarray(4, end)) !== bytes[end])
    throw corrupt('wrong header checksum')
  return {
    headerBytes: end + 1,
    blockBytesMax: 1 << (8 + 2 * blockSize),
    blockTrailerBytes: flags & BLOCK_CHECKSUM ? 4 : 0,
    endTrailerBytes: flags & CONTENT_CHECKSUM ? 4 : 0,
  }
}

function corrupt(reason: string): CodecError {
  return new CodecError('corrupt-compression', `LZ4 data is corrupt: ${reason}`)
}
