import { CodecError } from './errors.ts'

/** The UUID that Kafka writes for "no topic id". */
export const ZERO_UUID = '00000000-0000-0000-0000-000000000000'

const HEX = '0123456789abcdef'
const DIGIT = new Int8Array(128).fill(-1)
for (let i = 0; i < 16; i++) {
  DIGIT[HEX.charCodeAt(i)] = i
  DIGIT[HEX.toUpperCase().charCodeAt(i)] = i
}

/** Reads 16 bytes as a 36-character lowercase UUID. The caller has checked the bounds. */
export function readUuid(buffer: Buffer, position: number): string {
  const hex = buffer.toString('hex', position, position + 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Writes a 36-character UUID as 16 bytes. The caller has reserved them. */
export function writeUuid(buffer: Buffer, position: number, uuid: string): void {
  if (uuid.length !== 36) throw invalidUuid(uuid)
  let at = 0
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (uuid.charCodeAt(at++) !== 45) throw invalidUuid(uuid)
    }
    const high = DIGIT[uuid.charCodeAt(at++)] ?? -1
    const low = DIGIT[uuid.charCodeAt(at++)] ?? -1
    if (high < 0 || low < 0) throw invalidUuid(uuid)
    buffer[position + i] = (high << 4) | low
  }
}

function invalidUuid(uuid: string): CodecError {
  return new CodecError('invalid-uuid', `'${uuid}' is not a UUID of 36 characters`)
}
