/**
 * Cuts a byte stream into Kafka's frames: an int32 length, then that many bytes.
 *
 * A frame that lies within one chunk is a view of it. One that spans chunks is collected in a buffer of its own, which
 * grows as bytes arrive, so that announcing a large frame costs the peer as many bytes as it costs us.
 */
import type { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import { AgentError } from '../errors.ts'

const lengthBytes = 4
/** Frames up to this size get their buffer at once; the pages are not touched before bytes arrive. */
const firstBufferBytesMax = 1024 * 1024
const growthFactor = 4

export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #pool: BufferPool
  readonly #chunks: Buffer[] = []
  #chunk: Buffer | null = null
  #position = 0
  readonly #length = Buffer.alloc(lengthBytes)
  #lengthFilled = 0
  #frame: Buffer | null = null
  #frameBytes = 0
  #frameFilled = 0
  #bufferedBytes = 0

  /** Frames that span chunks come from the pool; whoever is done with one may give it back. */
  constructor(maxFrameBytes: number, pool: BufferPool) {
    this.#maxFrameBytes = maxFrameBytes
    this.#pool = pool
  }

  /** Whether a frame has begun that is not complete. */
  get midFrame(): boolean {
    return this.#frame !== null || this.#lengthFilled > 0
  }

  /** Bytes appended that no frame returned so far contains. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#bufferedBytes += chunk.length
    if (this.#chunk === null) this.#chunk = chunk
    else this.#chunks.push(chunk)
  }

  /**
   * The next frame without its length, or null when more bytes are needed.
   * @throws AgentError InvalidFrame; the stream cannot be read any further
   */
  next(): Buffer | null {
    while (this.#chunk !== null) {
      if (this.#frame === null && !this.#beginFrame(this.#chunk)) continue
      const frame = this.#takeFrame()
      if (frame !== null) return frame
    }
    return null
  }

  /** Reads the length; false when the chunk ended before it was whole. */
  #beginFrame(chunk: Buffer): boolean {
    const available = chunk.length - this.#position
    if (this.#lengthFilled === 0 && available >= lengthBytes) {
      this.#frameBytes = this.#checked(chunk.readInt32BE(this.#position))
      this.#consume(chunk, lengthBytes)
    } else {
      const taken = Math.min(available, lengthBytes - this.#lengthFilled)
      chunk.copy(this.#length, this.#lengthFilled, this.#position, this.#position + taken)
      this.#lengthFilled += taken
      this.#consume(chunk, taken)
      if (this.#lengthFilled < lengthBytes) return false
      this.#frameBytes = this.#checked(this.#length.readInt32BE(0))
    }
    this.#lengthFilled = lengthBytes
    return true
  }

  #checked(length: number): number {
    if (length >= 0 && length <= this.#maxFrameBytes) return length
    const problem = length < 0 ? 'is negative' : `is more than the ${this.#maxFrameBytes} that are allowed`
    throw new AgentError('InvalidFrame', `Frame length ${length} ${problem}`)
  }

  #takeFrame(): Buffer | null {
    const chunk = this.#chunk
    const wanted = this.#frameBytes - this.#frameFilled
    if (this.#frame === null && chunk !== null && chunk.length - this.#position >= wanted) {
      const frame = chunk.subarray(this.#position, this.#position + wanted)
      this.#consume(chunk, wanted)
      return this.#finish(frame)
    }
    if (this.#frame === null && wanted === 0) return this.#finish(Buffer.alloc(0))
    this.#frame ??= this.#pool.take(Math.min(this.#frameBytes, firstBufferBytesMax))
    if (chunk === null) return null
    const taken = Math.min(wanted, chunk.length - this.#position)
    this.#reserve(this.#frameFilled + taken)
    chunk.copy(this.#frame, this.#frameFilled, this.#position, this.#position + taken)
    this.#frameFilled += taken
    this.#consume(chunk, taken)
    return this.#frameFilled === this.#frameBytes ? this.#finish(this.#frame) : null
  }

  #reserve(bytes: number): void {
    const frame = this.#frame!
    if (frame.length >= bytes) return
    const grown = this.#pool.take(Math.min(this.#frameBytes, Math.max(bytes, frame.length * growthFactor)))
    frame.copy(grown, 0, 0, this.#frameFilled)
    this.#pool.give(frame)
    this.#frame = grown
  }

  #consume(chunk: Buffer, bytes: number): void {
    this.#position += bytes
    if (this.#position < chunk.length) return
    this.#chunk = this.#chunks.shift() ?? null
    this.#position = 0
  }

  #finish(frame: Buffer): Buffer {
    this.#bufferedBytes -= lengthBytes + frame.length
    this.#frame = null
    this.#frameFilled = 0
    this.#lengthFilled = 0
    return frame
  }
}
