/** A record's value is its name, padded to a length that differs from record to record. */
export function encodeValue(value: string): Buffer {
  const number = Number(value.slice(value.lastIndexOf('.') + 1))
  return Buffer.from(`${value} ${'x'.repeat((number * 37) % 200)}`)
}

export function decodeValue(bytes: Buffer | null): string {
  return bytes === null ? '' : bytes.toString('latin1').split(' ', 1)[0]!
}
