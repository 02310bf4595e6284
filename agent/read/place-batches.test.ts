import { readBatchHeader, splitBatches, verifyCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { buildBatch } from '@streamhouse/proto/kafka/codec/records'
import type { Extent } from '@streamhouse/storage/metadata/read-log'
import { describe, expect, test } from 'vitest'
import { recordsOf } from '../testing/append-batch.ts'
import { selectBatches } from './place-batches.ts'

const batch = (...values: string[]) => buildBatch({ records: recordsOf(values), baseOffset: 0n })
const batches = [batch('a', 'b', 'c'), batch('d'), batch('e', 'f')]
const padding = Buffer.alloc(37, 0xff)
const run = () => Buffer.concat([padding, ...batches, padding])
const sliceLength = batches.reduce((sum, { length }) => sum + length, 0)
const extent: Extent = {
  baseOffset: 100n,
  lastOffset: 105n,
  objectKey: 'object',
  objectBytes: 10_000,
  storedStart: 8,
  storedLength: 500,
  encoding: 0,
  sliceStart: padding.length,
  sliceLength,
}

const select = (offset: bigint, maxBytes = 10_000, atLeastOne = false, bytes = run(), of = extent) =>
  selectBatches(bytes, of, offset, maxBytes, atLeastOne).bytes
const bases = (piece: Buffer) => splitBatches(piece).batches.map(({ header }) => header.baseOffset)

describe('selected are whole batches with their offsets', () => {
  test.each([
    [-1n, [100n, 103n, 104n]],
    [0n, [100n, 103n, 104n]],
    [100n, [100n, 103n, 104n]],
    [102n, [100n, 103n, 104n]],
    [103n, [103n, 104n]],
    [105n, [104n]],
    [106n, []],
    [2n ** 63n - 1n, []],
  ])('from offset %d on', (offset, expected) => {
    const piece = select(offset)
    expect(bases(piece)).toEqual(expected)
    for (const { bytes, header } of splitBatches(piece).batches) {
      expect(verifyCrc(bytes)).toBe(true)
      expect(header.partitionLeaderEpoch).toBe(0)
    }
  })

  test('up to the budget', () => {
    const [first, second] = batches.map(({ length }) => length) as [number, number]
    expect(bases(select(100n, first - 1))).toEqual([])
    expect(bases(select(100n, 0, true))).toEqual([100n])
    expect(bases(select(100n, -1, true))).toEqual([100n])
    expect(bases(select(100n, first))).toEqual([100n])
    expect(bases(select(100n, first + second))).toEqual([100n, 103n])
    expect(bases(select(103n, second))).toEqual([103n])
    expect(bases(select(103n, second - 1, true))).toEqual([103n])
  })

  test('at the end of 63 bits', () => {
    const last = 2n ** 63n - 1n
    const far = { ...extent, baseOffset: last - 5n, lastOffset: last }
    expect(bases(select(last, 10_000, false, run(), far))).toEqual([last - 1n])
  })

  test('and the bytes around the slice stay as they are', () => {
    const bytes = run()
    select(100n, 10_000, false, bytes)
    expect(bytes.subarray(0, padding.length)).toEqual(padding)
    expect(bytes.subarray(-padding.length)).toEqual(padding)
  })
})

describe('damaged are bytes', () => {
  const corrupt = (change: (bytes: Buffer) => void, of = extent) => {
    const bytes = run()
    change(bytes)
    expect(() => select(100n, 10_000, true, bytes, of)).toThrow(
      expect.objectContaining({ code: 'CorruptObject', message: expect.stringContaining('object') }),
    )
  }

  test.each([0, -1, -12, 48, 0x7fffffff, -0x80000000])('with a batch length of %i', (length) =>
    corrupt((bytes) => bytes.writeInt32BE(length, padding.length + 8)),
  )
  test('whose record counts do not add up to the extent', () =>
    corrupt((bytes) => bytes.writeInt32BE(7, padding.length + 23)))
  test('that end within a batch', () => corrupt(() => {}, { ...extent, sliceLength: sliceLength - 1 }))
  test('that reach beyond the run', () => corrupt(() => {}, { ...extent, sliceLength: sliceLength + 1_000 }))
  test('that start within a batch', () =>
    corrupt(() => {}, { ...extent, sliceStart: padding.length + 1, sliceLength: sliceLength - 1 }))
})

test('a batch keeps its CRC when its offset is written twice', () => {
  const bytes = run()
  select(100n, 10_000, false, bytes)
  const again = select(100n, 10_000, false, bytes)
  expect(readBatchHeader(again).baseOffset).toBe(100n)
  expect(splitBatches(again).batches.every((slice) => verifyCrc(slice.bytes))).toBe(true)
})
