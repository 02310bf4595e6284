import { CodecError } from './errors.ts'
import { readUuid } from './uuid.ts'
import { unzigzag64 } from './varint.ts'

/**
 * Reads Kafka's primitives from one buffer. Every read is checked against the limit, every count against the bytes
 * that are left, so that hostile input can neither read past its frame nor make a large allocation.
 * Byte slices are views of the input, not copies. Throws nothing but CodecError.
 */
export class Reader {
  readonly buffer: Buffer
  position: number
  limit: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    if (!(start >= 0 && start <= end && end <= buffer.length)) {
      throw new CodecError(
        'invalid-length',
        `Range ${start} to ${end} is outside a buffer of ${buffer.length} bytes`,
      )
    }
    this.buffer = buffer
    this.position = start
    this.limit = end
  }

  get remaining(): number {
    return this.limit - this.position
  }

  /** Throws when bytes are left. */
  end(): void {
    if (this.position !== this.limit) {
      throw new CodecError('trailing-bytes', `${this.limit - this.position} bytes are left after the message`)
    }
  }

  private take(size: number): number {
    const at = this.position
    if (size < 0 || size > this.limit - at) {
      throw new CodecError('truncated', `${size} bytes wanted at ${at}, ${this.limit - at} are left`)
    }
    this.position = at + size
    return at
  }

  skip(size: number): void {
    this.take(size)
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  uuid(): string {
    return readUuid(this.buffer, this.take(16))
  }

  /** Unsigned varint of at most five bytes and 32 bits. */
  uvarint(): number {
    // Nearly all are lengths and counts of one or two bytes.
    const at = this.position
    if (at + 1 < this.limit) {
      const first = this.buffer[at] as number
      if (first < 0x80) {
        this.position = at + 1
        return first
      }
      const second = this.buffer[at + 1] as number
      if (second < 0x80) {
        this.position = at + 2
        return (first & 0x7f) | (second << 7)
      }
    }
    return this.longUvarint()
  }

  private longUvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] as number
      if (shift === 28 && byte > 0x0f) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new CodecError('invalid-varint', `Varint at ${this.position} is longer than 32 bits`)
  }

  /** Zigzag int32, as records use it. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zigzag int64, as records use it. */
  varlong(): bigint {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.buffer[this.take(1)] as number
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1))
    }
    return this.longVarlong(low)
  }

  private longVarlong(low: number): bigint {
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1)] as number
      if (shift === 63n && byte > 1) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return unzigzag64(value)
    }
    throw new CodecError('invalid-varint', `Varint at ${this.position} is longer than 64 bits`)
  }

  /** A view of the next `size` bytes. */
  raw(size: number): Buffer {
    const at = this.take(size)
    return this.buffer.subarray(at, at + size)
  }

  private utf8(size: number): string {
    const at = this.take(size)
    return this.buffer.toString('utf8', at, at + size)
  }

  string(): string {
    const size = this.int16()
    return size < 0 ? this.nullNotAllowed('String') : this.utf8(size)
  }

  nullableString(): string | null {
    const size = this.int16()
    return size < 0 ? this.nullLength(size) : this.utf8(size)
  }

  compactString(): string {
    const size = this.uvarint() - 1
    return size < 0 ? this.nullNotAllowed('String') : this.utf8(size)
  }

  compactNullableString(): string | null {
    const size = this.uvarint() - 1
    return size < 0 ? null : this.utf8(size)
  }

  bytes(): Buffer {
    const size = this.int32()
    return size < 0 ? this.nullNotAllowed('Byte field') : this.raw(size)
  }

  nullableBytes(): Buffer | null {
    const size = this.int32()
    return size < 0 ? this.nullLength(size) : this.raw(size)
  }

  compactBytes(): Buffer {
    const size = this.uvarint() - 1
    return size < 0 ? this.nullNotAllowed('Byte field') : this.raw(size)
  }

  compactNullableBytes(): Buffer | null {
    const size = this.uvarint() - 1
    return size < 0 ? null : this.raw(size)
  }

  /** Count of an array whose elements take at least `elementSizeMin` bytes each. */
  arrayCount(elementSizeMin: number): number {
    return this.checkedCount(this.int32(), elementSizeMin)
  }

  /** As arrayCount; -1 stands for null. */
  nullableArrayCount(elementSizeMin: number): number {
    const count = this.int32()
    return count === -1 ? -1 : this.checkedCount(count, elementSizeMin)
  }

  compactArrayCount(elementSizeMin: number): number {
    return this.checkedCount(this.uvarint() - 1, elementSizeMin)
  }

  compactNullableArrayCount(elementSizeMin: number): number {
    const count = this.uvarint() - 1
    return count === -1 ? -1 : this.checkedCount(count, elementSizeMin)
  }

  private checkedCount(count: number, elementSizeMin: number): number {
    if (count >= 0 && count * elementSizeMin <= this.limit - this.position) return count
    if (count === -1) return this.nullNotAllowed('Array')
    throw new CodecError(
      'invalid-count',
      `Array of ${count} elements at ${this.position} cannot fit into the ${this.limit - this.position} bytes left`,
    )
  }

  /** Reads the presence byte of a nullable struct. */
  structPresent(): boolean {
    return this.int8() >= 0
  }

  /** Narrows the limit to a tagged field's size; returns the limit to give back to endTagged. */
  beginTagged(): number {
    const size = this.uvarint()
    const outer = this.limit
    if (size > outer - this.position) {
      throw new CodecError(
        'truncated',
        `Tagged field of ${size} bytes at ${this.position} runs past its frame`,
      )
    }
    this.limit = this.position + size
    return outer
  }

  endTagged(outerLimit: number): void {
    this.end()
    this.limit = outerLimit
  }

  skipTagged(): void {
    this.take(this.uvarint())
  }

  /** Skips a whole tagged-field section of a struct without known tags. */
  skipTaggedFields(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.skipTagged()
    }
  }

  private nullLength(size: number): null {
    if (size === -1) return null
    throw new CodecError('invalid-length', `Length ${size} at ${this.position} is negative`)
  }

  private nullNotAllowed(what: string): never {
    throw new CodecError('unexpected-null', `${what} at ${this.position} is null or has a negative length`)
  }
}
