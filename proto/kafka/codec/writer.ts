import { CodecError } from './errors.ts'
import { writeUuid } from './uuid.ts'
import { uvarintSize, zigzag64 } from './varint.ts'

/** Slices at least this long are passed on by reference; shorter ones are cheaper to copy. */
const REFERENCE_BYTES_MIN = 2048
const CHUNK_BYTES = 64 * 1024
const CHUNK_BYTES_REUSABLE_MIN = 1024

const SPARE_CHUNKS_MAX = 8

/** Unused tails of finished writers' chunks. A writer takes one away, so no two writers share bytes. */
const spareChunks: Buffer[] = []

/** Pieces for the socket's writev, in order. */
export interface Encoded {
  readonly buffers: Buffer[]
  readonly length: number
}

/** Bytes that may come in pieces, as records read from several objects do. */
export type Pieces = Buffer | readonly Buffer[]

export function piecesLength(pieces: Pieces): number {
  if (!Array.isArray(pieces)) return (pieces as Buffer).length
  let length = 0
  for (const piece of pieces as readonly Buffer[]) length += piece.length
  return length
}

/** Writes Kafka's primitives into pooled chunks; the result is a list of buffers. Throws nothing but CodecError. */
export class Writer {
  private chunk: Buffer
  private start = 0
  private position = 0
  private readonly done: Buffer[] = []
  private doneBytes = 0
  private frame: Buffer | null = null

  constructor() {
    this.chunk = spareChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
  }

  get length(): number {
    return this.doneBytes + this.position - this.start
  }

  private take(size: number): number {
    if (size > this.chunk.length - this.position) this.grow(size)
    const at = this.position
    this.position = at + size
    return at
  }

  private flush(): void {
    if (this.position === this.start) return
    this.done.push(this.chunk.subarray(this.start, this.position))
    this.doneBytes += this.position - this.start
    this.start = this.position
  }

  private grow(size: number): void {
    this.flush()
    this.chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, size))
    this.start = 0
    this.position = 0
  }

  /** Reserves the int32 in front of a frame; finish() fills in the length of all that follows. */
  beginFrame(): void {
    const at = this.take(4)
    this.frame = this.chunk.subarray(at, at + 4)
  }

  /** Ends the writer; it must not be used again. */
  finish(): Encoded {
    this.flush()
    this.frame?.writeInt32BE(this.doneBytes - 4)
    const left = this.chunk.length - this.position
    if (left >= CHUNK_BYTES_REUSABLE_MIN && left <= CHUNK_BYTES && spareChunks.length < SPARE_CHUNKS_MAX) {
      spareChunks.push(this.chunk.subarray(this.position))
    }
    this.chunk = Buffer.alloc(0)
    this.start = 0
    this.position = 0
    return { buffers: this.done, length: this.doneBytes }
  }

  /** finish() as one buffer, for callers that need contiguous bytes. */
  finishBuffer(): Buffer {
    const { buffers, length } = this.finish()
    return buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers, length)
  }

  int8(value: number): void {
    // Taken before `chunk` is read: take() may put another chunk there.
    const at = this.take(1)
    this.chunk[at] = value
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int16(value: number): void {
    const at = this.take(2)
    this.chunk[at] = value >> 8
    this.chunk[at + 1] = value
  }

  uint16(value: number): void {
    this.int16(value)
  }

  int32(value: number): void {
    const at = this.take(4)
    this.chunk[at] = value >> 24
    this.chunk[at + 1] = value >> 16
    this.chunk[at + 2] = value >> 8
    this.chunk[at + 3] = value
  }

  uint32(value: number): void {
    this.int32(value)
  }

  int64(value: bigint): void {
    const at = this.take(8)
    this.chunk.writeBigInt64BE(BigInt.asIntN(64, value), at)
  }

  float64(value: number): void {
    const at = this.take(8)
    this.chunk.writeDoubleBE(value, at)
  }

  uuid(value: string): void {
    const at = this.take(16)
    writeUuid(this.chunk, at, value)
  }

  uvarint(value: number): void {
    let v = value >>> 0
    if (v < 0x80) {
      this.int8(v)
      return
    }
    let at = this.take(uvarintSize(v))
    while (v >= 0x80) {
      this.chunk[at++] = (v & 0x7f) | 0x80
      v >>>= 7
    }
    this.chunk[at] = v
  }

  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31))
  }

  varlong(value: bigint): void {
    let v = zigzag64(value)
    while (v >= 0x80n) {
      this.int8(Number(v & 0x7fn) | 0x80)
      v >>= 7n
    }
    this.int8(Number(v))
  }

  /** Bytes without a length in front; long ones are not copied. */
  raw(bytes: Buffer): void {
    if (bytes.length >= REFERENCE_BYTES_MIN) {
      this.flush()
      this.done.push(bytes)
      this.doneBytes += bytes.length
      return
    }
    const at = this.take(bytes.length)
    bytes.copy(this.chunk, at)
  }

  rawPieces(pieces: Pieces): void {
    if (!Array.isArray(pieces)) {
      this.raw(pieces as Buffer)
      return
    }
    for (const piece of pieces as readonly Buffer[]) this.raw(piece)
  }

  private utf8(value: string, size: number): void {
    const at = this.take(size)
    this.chunk.write(value, at, size, 'utf8')
  }

  string(value: string): void {
    const size = Buffer.byteLength(value)
    if (size > 0x7fff) throw tooLong('String', size, 0x7fff)
    this.int16(size)
    this.utf8(value, size)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    const size = Buffer.byteLength(value)
    if (size > 0x7fff) throw tooLong('String', size, 0x7fff)
    this.uvarint(size + 1)
    this.utf8(value, size)
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  bytes(value: Pieces): void {
    this.int32(checkedPieces(value))
    this.rawPieces(value)
  }

  nullableBytes(value: Pieces | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Pieces): void {
    this.uvarint(checkedPieces(value) + 1)
    this.rawPieces(value)
  }

  compactNullableBytes(value: Pieces | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytes(value)
  }

  arrayCount(count: number): void {
    this.int32(count)
  }

  compactArrayCount(count: number): void {
    this.uvarint(count + 1)
  }

  structPresent(present: boolean): void {
    this.int8(present ? 1 : -1)
  }

  /** Writes a tagged field whose content was written into a writer of its own. */
  tagged(tag: number, content: Writer): void {
    const { buffers, length } = content.finish()
    this.uvarint(tag)
    this.uvarint(length)
    this.rawPieces(buffers)
  }
}

function checkedPieces(pieces: Pieces): number {
  const length = piecesLength(pieces)
  if (length > 0x7ffffffe) throw tooLong('Byte field', length, 0x7ffffffe)
  return length
}

function tooLong(what: string, size: number, max: number): CodecError {
  return new CodecError('too-long', `${what} of ${size} bytes is longer than ${max}`)
}
