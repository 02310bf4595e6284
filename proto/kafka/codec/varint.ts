/** Sizes and zigzag mapping of Kafka's variable-length integers; Reader and Writer hold the loops themselves. */

export function uvarintSize(value: number): number {
  const v = value >>> 0
  if (v < 0x80) return 1
  if (v < 0x4000) return 2
  if (v < 0x200000) return 3
  return v < 0x10000000 ? 4 : 5
}

/** Size of a zigzag int32. */
export function varintSize(value: number): number {
  return uvarintSize((value << 1) ^ (value >> 31))
}

/** Size of a zigzag int64. */
export function varlongSize(value: bigint): number {
  let v = zigzag64(value)
  let size = 1
  while (v >= 0x80n) {
    v >>= 7n
    size++
  }
  return size
}

export function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

export function unzigzag64(value: bigint): bigint {
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
}
