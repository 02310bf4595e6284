import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AnyApiCodec } from './codec/api-codec.ts'
import { CodecError } from './codec/errors.ts'
import { Reader } from './codec/reader.ts'
import { Writer } from './codec/writer.ts'
import { apiCodecs, apiCodecsByKey } from './generated/index.ts'
import { randomMessage, seededInt } from './generator/random-message.ts'
import { loadDefinitions, type Struct } from './generator/schema.ts'

const definitions = loadDefinitions(join(import.meta.dirname, 'schema')).filter(({ key }) => key !== null)

interface Direction {
  readonly label: string
  readonly codec: AnyApiCodec
  readonly root: Struct
  decode(reader: Reader, version: number): object
  encode(writer: Writer, message: object, version: number): void
}

const directions: Direction[] = definitions.flatMap(({ key, messages }) => {
  const codec = apiCodecsByKey.get(key as number) as AnyApiCodec
  const [request, response] = messages.map((message) => message.root)
  return [
    {
      label: `${codec.name} request`,
      codec,
      root: request as Struct,
      decode: codec.decodeRequest,
      encode: codec.encodeRequest,
    },
    {
      label: `${codec.name} response`,
      codec,
      root: response as Struct,
      decode: codec.decodeResponse,
      encode: codec.encodeResponse,
    },
  ]
})

function bytesOf({ encode }: Direction, message: object, version: number): Buffer {
  const writer = new Writer()
  encode(writer, message, version)
  return writer.finishBuffer()
}

function versionsOf({ codec }: Direction): number[] {
  return Array.from({ length: codec.maxVersion - codec.minVersion + 1 }, (_, i) => codec.minVersion + i)
}

/** Number of values in a message, which stands for the memory that decoding took. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 1
  let count = 1
  for (const inner of Object.values(value)) count += countValues(inner)
  return count
}

function decodeHostile({ decode, label }: Direction, bytes: Buffer, version: number): object | null {
  try {
    return decode(new Reader(bytes), version)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw new Error(`${label} v${version} threw ${String(error)} for ${bytes.toString('hex')}`, {
      cause: error,
    })
  }
}

describe('generated codecs', () => {
  it('are listed by ascending key without gaps in the map', () => {
    const keys = apiCodecs.map((codec) => codec.key)
    expect(keys).toEqual([...keys].sort((a, b) => a - b))
    expect(apiCodecsByKey.size).toBe(keys.length)
  })

  it.each(directions)('$label: random messages survive encode, decode and encode again', (direction) => {
    const random = seededInt(direction.codec.key * 31 + direction.label.length)
    for (const version of versionsOf(direction)) {
      for (let round = 0; round < 8; round++) {
        const message = randomMessage(direction.root, version, random)
        const bytes = bytesOf(direction, message, version)
        const reader = new Reader(bytes)
        const decoded = direction.decode(reader, version)
        reader.end()
        expect(decoded).toMatchObject(message)
        expect(bytesOf(direction, decoded, version).equals(bytes)).toBe(true)
      }
    }
  })

  it.each(directions)('$label: every truncation is refused with a CodecError', (direction) => {
    const random = seededInt(7)
    for (const version of versionsOf(direction)) {
      const bytes = bytesOf(direction, randomMessage(direction.root, version, random), version).subarray(
        0,
        2000,
      )
      const whole = decodeHostile(direction, bytes, version) !== null
      for (let length = 0; length < bytes.length - 1; length++) {
        const cut = decodeHostile(direction, bytes.subarray(0, length), version)
        if (whole) expect(cut).toBe(null)
      }
    }
  })

  it.each(directions)(
    '$label: damaged and random bytes never throw anything else nor make much',
    (direction) => {
      const random = seededInt(99)
      for (const version of versionsOf(direction)) {
        const good = bytesOf(direction, randomMessage(direction.root, version, random), version)
        for (let round = 0; round < 30; round++) {
          const bytes = round % 3 === 0 ? Buffer.alloc(1 + random(300)) : Buffer.from(good)
          const hits = round % 3 === 0 ? bytes.length : 1 + random(4)
          for (let hit = 0; hit < hits && bytes.length > 0; hit++) bytes[random(bytes.length)] = random(256)
          if (round % 3 === 2 && bytes.length >= 4) bytes.writeInt32BE(0x7fffffff, random(bytes.length - 3))
          const decoded = decodeHostile(direction, bytes, version)
          // A struct of one byte has at most a few dozen defaults, the root's own included.
          if (decoded !== null) expect(countValues(decoded)).toBeLessThan(100 + 20 * bytes.length)
        }
      }
    },
  )

  it.each(directions)('$label: a version outside the range is refused', ({ codec, decode, encode }) => {
    for (const version of [codec.minVersion - 1, codec.maxVersion + 1]) {
      expect(() => decode(new Reader(Buffer.alloc(100)), version)).toThrow(CodecError)
      expect(() => encode(new Writer(), {}, version)).toThrow(CodecError)
    }
  })

  it('refuse a count that the rest of the frame cannot hold, before making an array', () => {
    const fetch = apiCodecsByKey.get(1) as AnyApiCodec
    const bytes = Buffer.alloc(64)
    bytes.writeInt32BE(0x7fffffff, 17)
    expect(() => fetch.decodeRequest(new Reader(bytes), 4)).toThrow(/Array of 2147483647 elements/)
  })

  it('request with a field that the version lacks: encoding is refused; response: it is dropped', () => {
    const produce = apiCodecsByKey.get(0) as AnyApiCodec
    const request = { transactionalId: 'x', acks: 1, timeoutMs: 1, topicData: [] }
    expect(() => produce.encodeRequest(new Writer(), request, 2)).toThrow(/ProduceRequest.transactionalId/)
    const partitionResponses = [{ index: 0, baseOffset: 1n, errorMessage: 'boom', logStartOffset: 4n }]
    const writer = new Writer()
    produce.encodeResponse(writer, { responses: [{ name: 't', partitionResponses }] }, 0)
    expect(writer.finishBuffer().length).toBe(4 + 3 + 4 + 4 + 2 + 8)
  })

  it('unknown tagged fields are skipped', () => {
    const direction = directions.find(({ label }) => label === 'ApiVersions request') as Direction
    const bytes = bytesOf(direction, { clientSoftwareName: 'a', clientSoftwareVersion: 'b' }, 4)
    const tagged = Buffer.concat([bytes.subarray(0, -1), Buffer.from([2, 9, 3, 1, 2, 3, 0x80, 1, 0])])
    const reader = new Reader(tagged)
    expect(direction.decode(reader, 4)).toEqual({ clientSoftwareName: 'a', clientSoftwareVersion: 'b' })
    reader.end()
  })
})
