import { crc32c as native } from '@node-rs/crc32'

/** CRC-32C of the bytes, continuing from `previous` when the data comes in pieces. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  return native(bytes, previous)
}
