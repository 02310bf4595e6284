import { describe, expect, it } from 'vitest'
import { CodecError } from './errors.ts'
import { Reader } from './reader.ts'
import { ZERO_UUID } from './uuid.ts'
import { varintSize, varlongSize } from './varint.ts'
import { Writer } from './writer.ts'

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return writer.finishBuffer()
}

const reader = (...bytes: number[]) => new Reader(Buffer.from(bytes))

describe('Reader and Writer', () => {
  it('integers at their limits: come back', () => {
    const cases: [(writer: Writer) => void, (reader: Reader) => unknown, unknown][] = [
      [(w) => w.int8(-128), (r) => r.int8(), -128],
      [(w) => w.int16(-32768), (r) => r.int16(), -32768],
      [(w) => w.uint16(65535), (r) => r.uint16(), 65535],
      [(w) => w.int32(-2147483648), (r) => r.int32(), -2147483648],
      [(w) => w.uint32(4294967295), (r) => r.uint32(), 4294967295],
      [(w) => w.int64(-(2n ** 63n)), (r) => r.int64(), -(2n ** 63n)],
      [(w) => w.float64(1.5), (r) => r.float64(), 1.5],
      [(w) => w.bool(true), (r) => r.bool(), true],
      [(w) => w.uvarint(0xffffffff), (r) => r.uvarint(), 0xffffffff],
    ]
    for (const [write, read, value] of cases) expect(read(new Reader(written(write)))).toBe(value)
  })

  it('varints: come back in as many bytes as their size says', () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2147483647, -2147483648]) {
      const bytes = written((w) => w.varint(value))
      expect(new Reader(bytes).varint()).toBe(value)
      expect(bytes.length).toBe(varintSize(value))
    }
    for (const value of [0n, -1n, 134217727n, 134217728n, -134217729n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      const bytes = written((w) => w.varlong(value))
      expect(new Reader(bytes).varlong()).toBe(value)
      expect(bytes.length).toBe(varlongSize(value))
    }
  })

  it('varints that are too long: refused', () => {
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).uvarint()).toThrow(CodecError)
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0xff, 0x01).uvarint()).toThrow(CodecError)
    expect(() => new Reader(Buffer.alloc(11, 0xff)).varlong()).toThrow(CodecError)
  })

  it('uuids: come back in lowercase; others are refused', () => {
    const uuid = '01234567-89AB-cdef-0123-456789abcdef'
    expect(new Reader(written((w) => w.uuid(uuid))).uuid()).toBe(uuid.toLowerCase())
    expect(new Reader(Buffer.alloc(16)).uuid()).toBe(ZERO_UUID)
    for (const wrong of ['', 'x'.repeat(36), uuid.replace('-', '0'), `${uuid}0`]) {
      expect(() => written((w) => w.uuid(wrong))).toThrow(/is not a UUID/)
    }
  })

  it('null where none may be, and negative lengths: refused', () => {
    expect(() => reader(0xff, 0xff).string()).toThrow(/is null/)
    expect(() => reader(0xff, 0xfe).nullableString()).toThrow(/negative/)
    expect(reader(0xff, 0xff).nullableString()).toBe(null)
    expect(() => reader(0).compactString()).toThrow(CodecError)
    expect(reader(0).compactNullableBytes()).toBe(null)
    expect(() => reader(0xff, 0xff, 0xff, 0xfe).nullableArrayCount(1)).toThrow(/cannot fit/)
  })

  it('reads past the limit: refused, also inside a larger buffer', () => {
    const inner = new Reader(Buffer.alloc(100), 10, 12)
    expect(() => inner.int32()).toThrow(/4 bytes wanted at 10, 2 are left/)
    expect(() => inner.skip(-1)).toThrow(CodecError)
    expect(() => new Reader(Buffer.alloc(4), 2, 9)).toThrow(CodecError)
  })

  it('tagged field longer or shorter than its content: refused', () => {
    expect(() => reader(9, 1).beginTagged()).toThrow(/runs past/)
    const short = reader(3, 1, 2, 3)
    const outer = short.beginTagged()
    short.int8()
    expect(() => short.endTagged(outer)).toThrow(/2 bytes are left/)
  })

  it('long slices: passed on by reference, short ones copied', () => {
    const long = Buffer.alloc(5000, 1)
    const writer = new Writer()
    writer.beginFrame()
    writer.nullableBytes([long, Buffer.from('ab')])
    writer.string('end')
    const { buffers, length } = writer.finish()
    expect(buffers).toContain(long)
    expect(length).toBe(4 + 4 + 5002 + 5)
    const whole = Buffer.concat(buffers)
    expect(whole.readInt32BE()).toBe(length - 4)
    expect(whole.subarray(-5).toString('latin1')).toBe('\0\x03end')
  })

  it('writers that live at the same time: share no bytes', () => {
    const finished = written((w) => w.string('first'))
    const a = new Writer()
    const b = new Writer()
    for (let i = 0; i < 20_000; i++) {
      a.int32(1)
      b.int32(2)
    }
    expect(finished.subarray(2).toString()).toBe('first')
    expect(new Set(new Int32Array(new Uint8Array(a.finishBuffer()).buffer)).size).toBe(1)
    expect(b.finishBuffer().every((byte, i) => byte === (i % 4 === 3 ? 2 : 0))).toBe(true)
  })

  it('one-byte values where a chunk ends: go into the next chunk and leave the first alone', () => {
    const writes: ((writer: Writer) => void)[] = [
      (w) => w.int8(7),
      (w) => w.uvarint(7),
      (w) => w.bool(true),
      (w) => w.varlong(-4n),
    ]
    for (const write of writes) {
      const bytes = written((w) => {
        w.int8(1)
        for (let i = 0; i < 200_000; i++) write(w)
      })
      expect(bytes.length).toBe(200_001)
      expect(bytes[0]).toBe(1)
      expect(new Set(bytes.subarray(1)).size).toBe(1)
    }
  })

  it('string longer than its length field allows: refused', () => {
    expect(() => written((w) => w.string('x'.repeat(40_000)))).toThrow(/longer than 32767/)
  })
})
