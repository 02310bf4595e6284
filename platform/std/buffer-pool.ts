export interface BufferPoolOptions {
  /** Larger buffers are allocated and left to the garbage collector. */
  readonly maxBufferBytes: number
  /** Memory kept for reuse at most. */
  readonly maxKeptBytes: number
}

/** Smaller buffers are not worth keeping apart. */
const minBufferBytes = 64 * 1024

/**
 * Buffers that are used again. The memory of a Buffer lies outside the JavaScript heap and goes only when a full collection
 * finds it unused; where megabytes come and go many times a second, those collections cost more than the work.
 */
export class BufferPool {
  private readonly options: BufferPoolOptions
  /** By the base-2 logarithm of their size. */
  private readonly kept: ArrayBufferLike[][] = []
  /** Memory that is out, and may come back once. */
  private readonly lent = new WeakSet<ArrayBufferLike>()
  private keptBytes = 0

  constructor(options: BufferPoolOptions) {
    this.options = options
  }

  /** A buffer of exactly `bytes`, whose content is left over. */
  take(bytes: number): Buffer {
    if (bytes > this.options.maxBufferBytes) return Buffer.allocUnsafeSlow(bytes)
    const sizeClass = classOf(bytes)
    let memory = this.kept[sizeClass]?.pop()
    if (memory === undefined) memory = Buffer.allocUnsafeSlow(2 ** sizeClass).buffer
    else this.keptBytes -= memory.byteLength
    this.lent.add(memory)
    return Buffer.from(memory, 0, bytes)
  }

  /** Takes a buffer back that nobody uses any more. One that did not come from here, or came back already, is left alone. */
  give(buffer: Buffer): void {
    const memory = buffer.buffer
    if (!this.lent.delete(memory)) return
    if (this.keptBytes + memory.byteLength > this.options.maxKeptBytes) return
    const sizeClass = classOf(memory.byteLength)
    const kept = this.kept[sizeClass]
    if (kept === undefined) this.kept[sizeClass] = [memory]
    else kept.push(memory)
    this.keptBytes += memory.byteLength
  }
}

function classOf(bytes: number): number {
  return Math.ceil(Math.log2(Math.max(bytes, minBufferBytes)))
}
