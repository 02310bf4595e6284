import { decompress } from './compression.ts'
import { asCodecError, CodecError } from './errors.ts'
import { Reader } from './reader.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, compressionOf } from './record-batch.ts'
import { RECORD_BYTES_MIN } from './records.ts'

/** What can be known of a batch's records without making any of them. */
export interface RecordsFound {
  /** Place of the first record without a key; -1 when all have one. */
  readonly firstWithoutKey: number
  /** The least timestamp, records without one left out; -1 when none has one. */
  readonly minTimestamp: bigint
  /** The greatest timestamp, at least -1, as LogValidator computes it. */
  readonly maxTimestamp: bigint
}

const noTimestamp = -1n
/** Seven bytes of a varint hold 49 bits, which a double holds exactly. */
const NARROW_BYTES = 7
const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

/**
 * Steps over the records of a v2 batch, which starts at 0, from length to length. They must be as many as its header says, with
 * the offset deltas 0, 1, 2 and so on, each exactly as long as it says, and fill the batch. What passes here can be decoded.
 * Keys and values are not touched, and no object is made per record. Throws CodecError: `decompressed-too-large`,
 * `corrupt-compression`, `unsupported-compression` or `corrupt-record`.
 */
export function walkRecords(batch: Buffer, header: BatchHeader, maxDecompressedBytes: number): RecordsFound {
  const compression = compressionOf(header.attributes)
  if (compression === null) {
    throw new CodecError(
      'unsupported-compression',
      `Batch attributes ${header.attributes} name no known compression`,
    )
  }
  const packed = batch.subarray(BATCH_HEADER_BYTES, header.sizeBytes)
  const reader = new Reader(decompress(compression, packed, maxDecompressedBytes))
  const count = header.recordCount
  if (count < 0 || count * RECORD_BYTES_MIN > reader.remaining) {
    throw new CodecError('corrupt-record', `${count} records cannot fit into ${reader.remaining} bytes`)
  }
  const times = new TimestampBounds(header.baseTimestamp)
  let firstWithoutKey = -1
  for (let place = 0; place < count; place++) {
    try {
      if (!stepOver(reader, place, times) && firstWithoutKey < 0) firstWithoutKey = place
    } catch (error) {
      throw malformed(place, count, error)
    }
  }
  if (reader.remaining > 0) {
    throw new CodecError('corrupt-record', `${reader.remaining} bytes are left after ${count} records`)
  }
  return { firstWithoutKey, minTimestamp: times.min(), maxTimestamp: times.max() }
}

function malformed(place: number, count: number, error: unknown): CodecError {
  const reason = asCodecError('corrupt-record', 'Unreadable', error).message
  return new CodecError('corrupt-record', `Record ${place} of ${count} is malformed: ${reason}`, {
    cause: error,
  })
}

/** Leaves the reader behind the record; tells whether it has a key. */
function stepOver(reader: Reader, place: number, times: TimestampBounds): boolean {
  const size = reader.varint()
  const outer = reader.limit
  if (size < 0 || size > outer - reader.position) {
    throw new CodecError(
      'corrupt-record',
      `${size} bytes do not fit into the ${outer - reader.position} left`,
    )
  }
  reader.limit = reader.position + size
  reader.skip(1)
  stepTimestamp(reader, times)
  const offsetDelta = reader.varint()
  if (offsetDelta !== place) throw new CodecError('corrupt-record', `Its offset delta is ${offsetDelta}`)
  const hasKey = stepBytes(reader)
  stepBytes(reader)
  const headers = reader.varint()
  if (headers !== 0) stepHeaders(reader, headers)
  reader.end()
  reader.limit = outer
  return hasKey
}

/** Tells whether there were any bytes, if only none: any negative length is null, as in Kafka. */
function stepBytes(reader: Reader): boolean {
  const size = reader.varint()
  if (size < 0) return false
  reader.skip(size)
  return true
}

function stepHeaders(reader: Reader, count: number): void {
  if (count < 0) throw new CodecError('corrupt-record', `It has ${count} headers`)
  // Every header takes bytes, so that the record's end bounds this loop.
  for (let i = 0; i < count; i++) {
    if (!stepBytes(reader)) throw new CodecError('corrupt-record', `The key of header ${i} is null`)
    stepBytes(reader)
  }
}

function stepTimestamp(reader: Reader, times: TimestampBounds): void {
  const { buffer, position: start } = reader
  const end = Math.min(reader.limit, start + NARROW_BYTES)
  let value = 0
  let scale = 1
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    if (byte < 0x80) {
      value += byte * scale
      reader.position = at + 1
      times.add(value % 2 === 0 ? value / 2 : -(value + 1) / 2)
      return
    }
    value += (byte & 0x7f) * scale
    scale *= 128
  }
  times.addWide(reader.varlong())
}

/** The bounds of timestamps that come as deltas to one base. */
class TimestampBounds {
  private readonly base: bigint
  /** Delta of a record without a timestamp; NaN when only a wide one would do. */
  private readonly absent: number
  private least = Number.POSITIVE_INFINITY
  private greatest = Number.NEGATIVE_INFINITY
  private wideLeast: bigint | null = null
  private wideGreatest: bigint | null = null

  constructor(base: bigint) {
    this.base = base
    const absent = Number(noTimestamp - base)
    this.absent = Number.isSafeInteger(absent) ? absent : Number.NaN
  }

  add(delta: number): void {
    if (delta === this.absent) return
    if (delta < this.least) this.least = delta
    if (delta > this.greatest) this.greatest = delta
  }

  addWide(delta: bigint): void {
    const timestamp = this.base + delta
    if (timestamp === noTimestamp) return
    if (this.wideLeast === null || timestamp < this.wideLeast) this.wideLeast = timestamp
    if (this.wideGreatest === null || timestamp > this.wideGreatest) this.wideGreatest = timestamp
  }

  min(): bigint {
    const narrow = this.least === Number.POSITIVE_INFINITY ? null : this.base + BigInt(this.least)
    if (narrow === null && this.wideLeast === null) return noTimestamp
    const min =
      narrow === null || (this.wideLeast !== null && this.wideLeast < narrow) ? this.wideLeast! : narrow
    return checkInt64(min)
  }

  max(): bigint {
    let max = noTimestamp
    if (this.greatest !== Number.NEGATIVE_INFINITY) {
      const narrow = this.base + BigInt(this.greatest)
      if (narrow > max) max = narrow
    }
    if (this.wideGreatest !== null && this.wideGreatest > max) max = this.wideGreatest
    return checkInt64(max)
  }
}

function checkInt64(timestamp: bigint): bigint {
  if (timestamp >= int64Min && timestamp <= int64Max) return timestamp
  throw new CodecError('corrupt-record', `A record has the timestamp ${timestamp}, beyond 64 bits`)
}
