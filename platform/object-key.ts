import { type ByteRange, ObjectStoreError } from './object-store.ts'

export const objectKeyMaxBytes = 1_024
/** The longest name a file system takes; every store keeps to it, so that every store takes the same keys. */
export const objectKeySegmentMaxBytes = 255

const segmentPattern = /^[A-Za-z0-9._=-]+$/
/** A prefix may end within a segment, or be empty. */
const prefixPattern = /^[A-Za-z0-9._=/-]*$/

/** Whether the text can be one segment of a key. */
export function isObjectKeySegment(text: string): boolean {
  return text.length <= objectKeySegmentMaxBytes && segmentPattern.test(text) && text !== '.' && text !== '..'
}

/** Whether the text is a key that a store takes. */
export function isObjectKey(key: string): boolean {
  return key.length <= objectKeyMaxBytes && key.split('/').every(isObjectKeySegment)
}

/** Throws `InvalidKey` unless the text is a key that a store takes. */
export function checkObjectKey(key: string): void {
  if (isObjectKey(key)) return
  const shown = shorten(key)
  const text =
    key.length > objectKeyMaxBytes
      ? `Object key ${shown} has ${key.length} characters; at most ${objectKeyMaxBytes} are allowed`
      : `Object key ${shown} must consist of segments of A-Z, a-z, 0-9, ".", "_", "=" and "-", up to ${objectKeySegmentMaxBytes} characters each, separated by "/", none of them empty, "." or ".."`
  throw new ObjectStoreError('InvalidKey', shown, text)
}

/** Throws `InvalidKey` unless the text can begin a key. */
export function checkObjectPrefix(prefix: string): void {
  const whole = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const valid =
    prefix.length <= objectKeyMaxBytes &&
    prefixPattern.test(prefix) &&
    (whole === '' || whole.slice(0, -1).split('/').every(isObjectKeySegment))
  if (valid) return
  throw new ObjectStoreError('InvalidKey', shorten(prefix), `No object key can begin with ${shorten(prefix)}`)
}

/** Throws unless the page size is one that every store can serve. */
export function checkListLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new RangeError(`A page of objects holds 1 to 1,000 of them, not ${limit}`)
  }
}

/** Throws unless the number of keys is one that every store can delete at once. */
export function checkDeleteCount(keys: readonly string[]): void {
  if (keys.length > 1_000)
    throw new RangeError(`At most 1,000 objects can be deleted at once, not ${keys.length}`)
}

/** Throws `Corrupt` for a range that is none: its coordinates were read from somewhere. */
export function checkByteRange(key: string, range: ByteRange | undefined): void {
  if (range === undefined) return
  const { start, end } = range
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return
  throw new ObjectStoreError('Corrupt', key, `${start} to ${end} is not a range of bytes of ${key}`)
}

/** What every store says about an object that is shorter than a caller was told. */
export function tooShort(key: string, wanted: ByteRange, sizeBytes: number | undefined): ObjectStoreError {
  const size = sizeBytes === undefined ? 'is shorter' : `has only ${sizeBytes} bytes`
  return new ObjectStoreError(
    'Corrupt',
    key,
    `Object ${key} ${size}; bytes ${wanted.start} to ${wanted.end} were asked for`,
  )
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
