import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { loadRun, runEncoding, runTargetBytes, storeCompressed, storeRaw } from './run.ts'
import { encodeWalObject, readWalIndex } from './wal-object.ts'

const topicA = '0198f1d2-0000-7000-8000-00000000000a'
const topicB = '0198f1d2-0000-7000-8000-00000000000b'
const text = (length: number) => Buffer.alloc(length, 'all work and no play ')
const noise = (length: number) => randomBytes(length)
const batch = (bytes: Buffer, compressed = false) => ({ bytes, compressed })

describe('a run', () => {
  test('is given back as it was, compressed where that pays', async () => {
    for (const [batches, encoding] of [
      [[text(5_000), text(70_000)], runEncoding.lz4],
      [[text(100)], runEncoding.lz4],
      [[noise(50_000)], runEncoding.raw],
    ] as const) {
      const stored = await storeCompressed(batches)
      expect(stored.encoding).toBe(encoding)
      const bytes = Buffer.concat(stored.parts)
      expect(bytes).toHaveLength(stored.storedBytes)
      expect(loadRun(bytes, stored.encoding, 'k').equals(Buffer.concat(batches))).toBe(true)
    }
  })

  test('with any damaged byte, length or encoding is refused', async () => {
    for (const stored of [await storeCompressed([text(500)]), storeRaw([noise(500)])]) {
      const bytes = Buffer.concat(stored.parts)
      for (let position = 0; position < bytes.length; position++) {
        const damaged = Buffer.from(bytes)
        damaged[position]! ^= 0x41
        expect(() => loadRun(damaged, stored.encoding, 'k')).toThrow(/object k cannot be read/)
      }
      for (const length of [0, 3, 4, bytes.length - 1]) {
        expect(() => loadRun(bytes.subarray(0, length), stored.encoding, 'k')).toThrow(/cannot be read/)
      }
      expect(() => loadRun(bytes, 9, 'k')).toThrow('its encoding 9 is unknown to this version')
    }
  })
})

describe('a write-ahead object', () => {
  test('holds every partition in runs that can be read on their own, and says so in its index', async () => {
    const partitions = [
      { topicId: topicA, partition: 0, batches: [batch(text(1_000)), batch(text(2_000))] },
      {
        topicId: topicA,
        partition: 7,
        batches: [batch(text(10)), batch(noise(20), true), batch(noise(30), true)],
      },
      {
        topicId: topicB,
        partition: 0,
        batches: [batch(noise(runTargetBytes)), batch(noise(500)), batch(noise(600))],
      },
    ]
    const { parts, sizeBytes, runs } = await encodeWalObject(partitions, () => true)
    const object = Buffer.concat(parts)
    expect(object).toHaveLength(sizeBytes)
    expect(runs.map(({ slot, firstBatch, batchCount }) => [slot, firstBatch, batchCount])).toEqual([
      [0, 0, 2],
      [1, 0, 1],
      [1, 1, 2],
      [2, 0, 1],
      [2, 1, 2],
    ])
    for (const run of runs) {
      const { batches } = partitions[run.slot]!
      const expected = batches.slice(run.firstBatch, run.firstBatch + run.batchCount).map((one) => one.bytes)
      const stored = object.subarray(run.start, run.start + run.storedBytes)
      expect(loadRun(stored, run.encoding, 'k').equals(Buffer.concat(expected))).toBe(true)
    }
    const index = readWalIndex(object, 'k')
    expect(index.map(({ topicId, partition }) => [topicId, partition])).toEqual([
      [topicA, 0],
      [topicA, 7],
      [topicA, 7],
      [topicB, 0],
      [topicB, 0],
    ])
    expect(index.map(({ start, storedBytes }) => [start, storedBytes])).toEqual(
      runs.map(({ start, storedBytes }) => [start, storedBytes]),
    )
  })

  test('that was cut short or damaged at the end is refused', async () => {
    const { parts } = await encodeWalObject(
      [{ topicId: topicA, partition: 0, batches: [batch(text(99))] }],
      () => true,
    )
    const object = Buffer.concat(parts)
    for (let length = 0; length < object.length; length++) {
      expect(() => readWalIndex(object.subarray(0, length), 'k')).toThrow(/Object k cannot be read/)
    }
  })
})
