import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { seededInt } from '../generator/random-message.ts'
import { compress } from './compression.ts'
import { CodecError } from './errors.ts'
import { COMPRESSION_NAMES, type CompressionName, readBatchHeader, updateCrc } from './record-batch.ts'
import { buildBatch, decodeRecords, type RecordInput } from './records.ts'
import { type RecordsFound, walkRecords } from './walk-records.ts'
import { Writer } from './writer.ts'

const maxBytes = 1_000_000
const base = 1_710_000_000_000n

const walk = (batch: Buffer, limit = maxBytes) => walkRecords(batch, readBatchHeader(batch), limit)

/** A batch of these encoded records, whatever they are. */
function batchOf(body: Buffer, count: number, compression: CompressionName = 'none'): Buffer {
  const header = buildBatch({ records: [{ timestamp: base }] }).subarray(0, 61)
  const batch = Buffer.concat([header, compress(compression, body)])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(COMPRESSION_NAMES.indexOf(compression), 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeInt32BE(count, 57)
  updateCrc(batch)
  return batch
}

const bodyOf = (records: readonly RecordInput[]) => buildBatch({ records, baseOffset: 0n }).subarray(61)

/** One record, its fields as given and its length right unless told. */
function record(fields: (writer: Writer) => void, length?: number): Buffer {
  const inner = new Writer()
  fields(inner)
  const bytes = inner.finishBuffer()
  const outer = new Writer()
  outer.varint(length ?? bytes.length)
  outer.raw(bytes)
  return outer.finishBuffer()
}

interface Shape {
  readonly timestampDelta?: bigint
  readonly offsetDelta?: number
  readonly key?: number
  readonly value?: number
  readonly headers?: readonly number[]
  readonly tail?: number
}

/** Lengths as given, without bytes behind them. */
const shaped = (shape: Shape, length?: number) =>
  record((writer) => {
    writer.int8(0)
    writer.varlong(shape.timestampDelta ?? 0n)
    writer.varint(shape.offsetDelta ?? 0)
    writer.varint(shape.key ?? -1)
    writer.varint(shape.value ?? -1)
    for (const word of shape.headers ?? [0]) writer.varint(word)
    for (let i = 0; i < (shape.tail ?? 0); i++) writer.int8(0)
  }, length)

const three: readonly RecordInput[] = [
  { timestamp: base + 5n, key: Buffer.from('k'), value: Buffer.from('v') },
  { timestamp: base + 9n, key: Buffer.alloc(0), value: null },
  { timestamp: base - 3n, key: null, value: Buffer.alloc(300), headers: [{ key: 'h', value: null }] },
]

describe('the walk over records', () => {
  it.each(COMPRESSION_NAMES)(
    '%s: finds bounds of timestamps and the first record without a key',
    (compression) => {
      const found = { firstWithoutKey: 2, minTimestamp: base - 3n, maxTimestamp: base + 9n }
      expect(walk(buildBatch({ records: three, compression }))).toEqual(found)
      const all = { firstWithoutKey: -1, minTimestamp: base + 5n, maxTimestamp: base + 9n }
      expect(walk(buildBatch({ records: three.slice(0, 2), compression }))).toEqual(all)
    },
  )

  it('records without a timestamp: left out of the bounds', () => {
    const at = (...timestamps: bigint[]) =>
      walk(buildBatch({ records: timestamps.map((timestamp) => ({ timestamp })) }))
    expect(at(-1n, -1n)).toMatchObject({ minTimestamp: -1n, maxTimestamp: -1n })
    expect(at(-1n, base)).toMatchObject({ minTimestamp: base, maxTimestamp: base })
    expect(at(base, -1n)).toMatchObject({ minTimestamp: base, maxTimestamp: base })
    expect(at(-8n, -1n)).toMatchObject({ minTimestamp: -8n, maxTimestamp: -1n })
    expect(at(2n ** 60n, -1n, 7n)).toMatchObject({ minTimestamp: 7n, maxTimestamp: 2n ** 60n })
    expect(at(-1n, 2n ** 60n)).toMatchObject({ minTimestamp: 2n ** 60n, maxTimestamp: 2n ** 60n })
  })

  it('deltas of every length: exact', () => {
    for (let bits = 0n; bits < 62n; bits++) {
      for (const delta of [2n ** bits - 1n, 2n ** bits, -(2n ** bits), -(2n ** bits) - 1n]) {
        const { minTimestamp, maxTimestamp } = walk(batchOf(shaped({ timestampDelta: delta }), 1))
        if (base + delta === -1n) continue
        expect(minTimestamp).toBe(base + delta)
        expect(maxTimestamp).toBe(base + delta < -1n ? -1n : base + delta)
      }
    }
  })

  const whole = bodyOf(three)
  const malformed: readonly [string, Buffer, RegExp][] = [
    ['more records told than there are', batchOf(whole, 4), /Record 3 of 4 is malformed/],
    ['fewer records told than there are', batchOf(whole, 2), /left after 2 records/],
    ['no records', batchOf(Buffer.alloc(0), 1), /cannot fit/],
    ['more records than bytes', batchOf(whole, 0x7fffffff), /cannot fit/],
    ['a last record that is cut', batchOf(whole.subarray(0, -1), 3), /do not fit/],
    ['bytes behind the last record', batchOf(Buffer.concat([whole, Buffer.alloc(3)]), 3), /3 bytes are left/],
    ['an offset delta that is skipped', batchOf(shaped({ offsetDelta: 1 }), 1), /offset delta is 1/],
    ['a negative offset delta', batchOf(shaped({ offsetDelta: -1 }), 1), /offset delta is -1/],
    [
      'one offset twice',
      batchOf(Buffer.concat([shaped({}), shaped({})]), 2),
      /Record 1 .* offset delta is 0/,
    ],
    ['a negative length', batchOf(shaped({}, -7), 1), /-7 bytes do not fit/],
    ['a length beyond the batch', batchOf(shaped({}, 1000), 1), /1000 bytes do not fit/],
    ['a length shorter than the fields', batchOf(shaped({ tail: 9 }, 5), 1), /wanted/],
    ['a length longer than the fields', batchOf(shaped({ tail: 1 }), 1), /1 bytes are left/],
    [
      'a key beyond the record',
      batchOf(Buffer.concat([shaped({ key: 50 }), Buffer.alloc(99)]), 1),
      /50 bytes wanted/,
    ],
    ['a value beyond the record', batchOf(shaped({ value: 2_000_000_000 }), 1), /2000000000 bytes wanted/],
    ['a negative header count', batchOf(shaped({ headers: [-1] }), 1), /-1 headers/],
    ['more headers than bytes', batchOf(shaped({ headers: [2_000_000_000, 0, 0] }), 1), /wanted/],
    ['a header without a key', batchOf(shaped({ headers: [1, -1, 0] }), 1), /key of header 0/],
    ['a header value beyond the record', batchOf(shaped({ headers: [1, 0, 9] }), 1), /9 bytes wanted/],
    ['a varint without an end', batchOf(Buffer.alloc(20, 0xff), 1), /longer than 32 bits/],
    [
      'a timestamp without an end',
      batchOf(
        record((w) => w.raw(Buffer.alloc(20, 0xff))),
        1,
      ),
      /longer than 64 bits/,
    ],
    ['a timestamp beyond 64 bits', batchOf(shaped({ timestampDelta: 2n ** 63n - 1n }), 1), /beyond 64 bits/],
  ]

  it.each(malformed)('%s: refused', (_, batch, reason) => {
    expect(() => walk(batch)).toThrow(reason)
    try {
      walk(batch)
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError)
      expect((error as CodecError).code).toBe('corrupt-record')
    }
  })

  it('compressed records that are malformed: refused like others', () => {
    for (const compression of COMPRESSION_NAMES) {
      expect(() => walk(batchOf(whole, 4, compression))).toThrow(/Record 3 of 4/)
      expect(() => walk(batchOf(whole.subarray(0, -1), 3, compression))).toThrow(/do not fit/)
    }
  })

  it('bytes that do not unpack, or to more than allowed: refused', () => {
    for (const compression of [1, 2, 3, 4]) {
      const batch = batchOf(whole, 3)
      batch.writeInt16BE(compression, 21)
      expect(() => walk(batch)).toThrow(CodecError)
    }
    const unknown = batchOf(whole, 3)
    unknown.writeInt16BE(7, 21)
    expect(() => walk(unknown)).toThrow(/no known compression/)
    for (const compression of COMPRESSION_NAMES.slice(1)) {
      const large = batchOf(bodyOf([{ timestamp: base, value: Buffer.alloc(500_000) }]), 1, compression)
      expect(walk(large).firstWithoutKey).toBe(0)
      expect(() => walk(large, 100_000)).toThrow(expect.objectContaining({ code: 'decompressed-too-large' }))
    }
  })

  it('a member of gzip behind another: part of the records, as for other readers', () => {
    const batch = batchOf(whole, 3, 'gzip')
    const half = whole.length >> 1
    const packed = Buffer.concat([gzipSync(whole.subarray(0, half)), gzipSync(whole.subarray(half))])
    const both = Buffer.concat([batch.subarray(0, 61), packed])
    both.writeInt32BE(both.length - 12, 8)
    expect(walk(both)).toEqual(walk(batch))
  })
})

/** What the walk must find, by way of the records themselves; null when they cannot be had or do not fit the header. */
function foundByDecoding(batch: Buffer): RecordsFound | null {
  try {
    const records = decodeRecords(batch, maxBytes)
    const times = records.map(({ timestamp }) => timestamp).filter((timestamp) => timestamp !== -1n)
    if (records.some(({ offset }, place) => offset !== BigInt(place))) return null
    if (times.some((timestamp) => BigInt.asIntN(64, timestamp) !== timestamp)) return null
    const min = times.reduce((a, b) => (b < a ? b : a), times[0] ?? -1n)
    const maxTimestamp = times.reduce((a, b) => (b > a ? b : a), -1n)
    const firstWithoutKey = records.findIndex(({ key }) => key === null)
    return { firstWithoutKey, minTimestamp: min, maxTimestamp }
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

function foundByWalking(batch: Buffer): RecordsFound | null {
  try {
    return walk(batch)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

describe('walk and decoder', () => {
  const random = seededInt(29)
  const bytes = (size: number) => Buffer.alloc(size, random(256))

  function randomRecords(): RecordInput[] {
    return Array.from({ length: 1 + random(5) }, () => {
      const delta = BigInt(random(1000)) << BigInt(random(4) === 0 ? random(54) : 0)
      return {
        timestamp: random(8) === 0 ? -1n : base + (random(2) === 0 ? delta : -delta),
        key: random(4) === 0 ? null : bytes(random(4)),
        value: random(4) === 0 ? null : bytes(random(200)),
        headers: Array.from({ length: random(3) }, () => ({
          key: 'h'.repeat(random(3)),
          value: bytes(random(3)),
        })),
      }
    })
  }

  function damaged(body: Buffer): Buffer {
    const copy = Buffer.from(random(10) === 0 ? body.subarray(0, random(body.length)) : body)
    for (let hit = random(3); hit > 0 && copy.length > 0; hit--) {
      const at = random(2) === 0 ? random(Math.min(copy.length, 12)) : random(copy.length)
      copy[at] = random(3) === 0 ? random(256) : (copy[at] as number) ^ (1 << random(8))
    }
    return copy
  }

  it.each(COMPRESSION_NAMES)('%s: agree about every batch, good or damaged', (compression) => {
    let good = 0
    const rounds = compression === 'none' ? 20_000 : 2_000
    for (let round = 0; round < rounds; round++) {
      const records = randomRecords()
      const count = random(20) === 0 ? random(8) : records.length
      const batch = batchOf(damaged(bodyOf(records)), count, compression)
      if (compression !== 'none' && random(3) === 0) batch[61 + random(batch.length - 61)] = random(256)
      const found = foundByWalking(batch)
      expect(found).toEqual(foundByDecoding(batch))
      if (found !== null) good++
    }
    expect(good).toBeGreaterThan(rounds / 10)
    expect(good).toBeLessThan(rounds * 0.9)
  })
})
