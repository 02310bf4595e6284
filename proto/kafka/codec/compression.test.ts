import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import xxhash from 'xxhash-wasm'
import { seededInt } from '../generator/random-message.ts'
import { decodeWithLz4Js } from './compression/lz4.ts'
import { compress, decompress } from './compression.ts'
import { CodecError, type CodecErrorCode } from './errors.ts'
import { COMPRESSION_NAMES } from './record-batch.ts'

const names = COMPRESSION_NAMES.filter((name) => name !== 'none')
const LIMIT = 4 * 1024 * 1024

function sample(bytes: number, seed: number): Buffer {
  const random = seededInt(seed)
  const words = ['order', 'customer', 'created', '{"id":', '1234', '},', ' ', 'é']
  let text = ''
  while (text.length < bytes) text += words[random(words.length)]
  return Buffer.from(text).subarray(0, bytes)
}

function noise(bytes: number): Buffer {
  const random = seededInt(5)
  return Buffer.from(Array.from({ length: bytes }, () => random(256)))
}

function codeOf(run: () => unknown): CodecErrorCode | 'nothing thrown' {
  try {
    run()
    return 'nothing thrown'
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
}

describe.each(names)('%s', (name) => {
  it.each([1, 100, 65_535, 65_536, 65_537, 300_000])('%i bytes: come back', (size) => {
    for (const bytes of [sample(size, size), noise(size), Buffer.alloc(size)]) {
      const packed = compress(name, bytes)
      expect(decompress(name, packed, LIMIT).equals(bytes)).toBe(true)
      expect(decompress(name, packed, size).equals(bytes)).toBe(true)
    }
  })

  it('output larger than the bound: refused', () => {
    const packed = compress(name, Buffer.alloc(10 * 1024 * 1024))
    expect(codeOf(() => decompress(name, packed, 1024 * 1024))).toBe('decompressed-too-large')
  })

  it('truncated, damaged and random bytes: nothing but CodecError', () => {
    const random = seededInt(3)
    const packed = compress(name, sample(150_000, 1))
    for (let round = 0; round < 300; round++) {
      const bytes =
        round % 3 === 0 ? Buffer.from(packed.subarray(0, random(packed.length))) : Buffer.from(packed)
      for (let hit = 0; hit < 3 && bytes.length > 0; hit++)
        bytes[random(Math.min(bytes.length, 400))] = random(256)
      codeOf(() => decompress(name, bytes, LIMIT))
    }
    expect(codeOf(() => decompress(name, noise(100), LIMIT))).toBe('corrupt-compression')
    expect(codeOf(() => decompress(name, Buffer.alloc(3), LIMIT))).not.toBe('decompressed-too-large')
  })
})

describe('bombs', () => {
  it('gzip and zstd: a small input that makes much is stopped at the bound', () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024)
    expect(codeOf(() => decompress('gzip', gzipSync(zeros), LIMIT))).toBe('decompressed-too-large')
    expect(codeOf(() => decompress('zstd', zstdCompressSync(zeros), LIMIT))).toBe('decompressed-too-large')
  })

  it('snappy: a declared size that the block cannot reach is refused without an allocation', () => {
    const declared = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x01])
    expect(codeOf(() => decompress('snappy', declared, 0xffffffff))).toBe('corrupt-compression')
    expect(codeOf(() => decompress('snappy', declared, LIMIT))).toBe('decompressed-too-large')
  })

  it('lz4: many blocks that each make their maximum are stopped at the total', () => {
    const frame = compress('lz4', Buffer.alloc(LIMIT * 2))
    expect(frame.length).toBeLessThan(LIMIT / 50)
    expect(codeOf(() => decompress('lz4', frame, LIMIT))).toBe('decompressed-too-large')
  })
})

describe('lz4 frames', () => {
  const frame = compress('lz4', sample(200_000, 2))

  it('have independent blocks of 64 KiB and no checksums', () => {
    expect(frame.subarray(0, 6).toString('hex')).toBe('04224d186040')
    expect(frame.readUInt32LE(frame.length - 4)).toBe(0)
  })

  it('header checksum wrong: refused, but for messages of format v0', () => {
    const damaged = Buffer.from(frame)
    damaged[6] = ((damaged[6] as number) + 1) & 0xff
    expect(codeOf(() => decompress('lz4', damaged, LIMIT))).toBe('corrupt-compression')
    expect(decompress('lz4', damaged, LIMIT, 0).length).toBe(200_000)
  })

  it('dependent blocks, other versions, dictionaries: refused', () => {
    for (const flags of [0x40, 0xa0, 0x61]) {
      const other = Buffer.from(frame)
      other[4] = flags
      expect(codeOf(() => decompress('lz4', other, LIMIT, 0))).toBe('corrupt-compression')
    }
  })

  it('reserved bits: refused', () => {
    for (const [at, byte] of [
      [4, 0x62],
      [5, 0xc0],
      [5, 0x41],
    ] as const) {
      const other = Buffer.from(frame)
      other[at] = byte
      expect(codeOf(() => decompress('lz4', other, LIMIT, 0))).toBe('corrupt-compression')
    }
  })

  it("checksums of blocks are checked; the content's must be there", async () => {
    const { h32Raw } = await xxhash()
    const block = compress('lz4', sample(30_000, 2)).subarray(7, -4)
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32LE(h32Raw(block.subarray(4)))
    const header = Buffer.from('04224d18744000', 'hex')
    const whole = Buffer.concat([header, block, checksum, Buffer.alloc(8)])
    expect(decompress('lz4', whole, LIMIT, 0).equals(sample(30_000, 2))).toBe(true)
    for (const cut of [1, 4, 8, 12, 13]) {
      expect(codeOf(() => decompress('lz4', whole.subarray(0, -cut), LIMIT, 0))).toBe('corrupt-compression')
    }
    whole[header.length + block.length]! ^= 1
    expect(codeOf(() => decompress('lz4', whole, LIMIT, 0))).toBe('corrupt-compression')
  })

  it('blocks decoded by the fallback in JavaScript: the same bytes', () => {
    const decode = decodeWithLz4Js(createRequire(import.meta.url)('lz4js'))
    const bytes = sample(60_000, 4)
    const block = compress('lz4', bytes)
    expect(decode(block.subarray(11, -4), 65_536).equals(bytes)).toBe(true)
  })
})

it('snappy without frames: read too', () => {
  const framed = compress('snappy', Buffer.from('hello hello hello hello'))
  expect(decompress('snappy', framed.subarray(20), LIMIT).toString()).toBe('hello hello hello hello')
})

it('snappy frames of a version before 1: refused', () => {
  const framed = compress('snappy', Buffer.from('hello'))
  framed.writeInt32BE(0, 8)
  expect(codeOf(() => decompress('snappy', framed, LIMIT))).toBe('corrupt-compression')
})

it('zstd: bytes behind the frame are refused', () => {
  for (const size of [10, 300_000]) {
    const packed = compress('zstd', sample(size, 6))
    for (const tail of [Buffer.alloc(1), packed]) {
      const more = Buffer.concat([packed, tail])
      expect(codeOf(() => decompress('zstd', more, LIMIT))).toBe('corrupt-compression')
    }
  }
})
