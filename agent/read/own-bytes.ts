/** A view of a smaller part than this of its memory is not worth keeping all of that alive. */
const viewShareMin = 1 / 8

/** The bytes as they may be kept for long: copied where they are a small view, of a frame or of the pool of small buffers. */
export function ownBytes(bytes: Buffer): Buffer {
  return bytes.length < bytes.buffer.byteLength * viewShareMin ? ownCopy(bytes) : bytes
}

/** A copy with memory of its own. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
