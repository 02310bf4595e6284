import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readBatchHeader, splitBatches, verifyCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import type { BatchCommit } from '@streamhouse/storage/metadata/commit-object'
import { beforeEach, describe, expect, test } from 'vitest'
import { appendBatch } from '../testing/append-batch.ts'
import type { AppendBatch } from '../write/append.ts'
import { LogTail } from './log-tail.ts'

const clock = { ms: 0, nowMs: () => clock.ms, monotonicMs: () => clock.ms }
const all = 1_000_000
let tail: LogTail

beforeEach(() => {
  clock.ms = 1_000
  tail = new LogTail(100_000, clock)
})

const batchOf = (values: string[]) => appendBatch('t', 0, values)
const accepted = (baseOffset: bigint): BatchCommit => ({ outcome: 'accepted', baseOffset })

function add(baseOffset: bigint, values: string[], topicId = 't', partition = 0): bigint {
  const commit = { logStart: 0n, batches: [accepted(baseOffset)] }
  return tail.add(topicId, partition, [batchOf(values)], commit)
}

const batchesIn = (pieces: readonly Buffer[]) => pieces.flatMap((piece) => splitBatches(piece).batches)
const basesFrom = (offset: bigint, maxBytes = all, atLeastOne = false) =>
  batchesIn(tail.read('t', 0, offset, maxBytes, atLeastOne).pieces).map(({ header }) => header.baseOffset)

describe('reads', () => {
  test('give whole batches from the one that holds the offset on, with their offsets in them', () => {
    expect(add(10n, ['a', 'b', 'c'])).toBe(13n)
    add(13n, ['d'])
    add(14n, ['e', 'f'])
    expect(basesFrom(10n)).toEqual([10n, 13n, 14n])
    expect(basesFrom(12n)).toEqual([10n, 13n, 14n])
    expect(basesFrom(13n)).toEqual([13n, 14n])
    expect(basesFrom(15n)).toEqual([14n])
    const read = tail.read('t', 0, 10n, all, false)
    expect(batchesIn(read.pieces).every(({ bytes }) => verifyCrc(bytes))).toBe(true)
    expect(read.highWatermark).toBe(16n)
    expect(read.bytes).toBe(read.pieces.reduce((sum, piece) => sum + piece.length, 0))
  })

  test('give nothing outside of what is there, at any offset', () => {
    add(10n, ['a'])
    for (const offset of [-(2n ** 63n), -1n, 0n, 9n, 11n, 2n ** 63n - 1n])
      expect(basesFrom(offset)).toEqual([])
    expect(tail.read('t', 1, 10n, all, true)).toMatchObject({ bytes: 0, highWatermark: -1n, fresh: false })
  })

  test('keep to the budget, but give one batch where at least one is wanted', () => {
    add(0n, ['a'])
    add(1n, ['b'])
    const { length } = batchOf(['a']).bytes
    expect(basesFrom(0n, length - 1)).toEqual([])
    expect(basesFrom(0n, length - 1, true)).toEqual([0n])
    expect(basesFrom(0n, 2 * length - 1, true)).toEqual([0n])
    expect(basesFrom(0n, 2 * length)).toEqual([0n, 1n])
    expect(basesFrom(0n, -5)).toEqual([])
  })
})

test('duplicates and refused batches are not taken, and bring no high watermark', () => {
  const batches = [batchOf(['a']), batchOf(['b']), batchOf(['c'])]
  const commit = (outcomes: BatchCommit[]) => tail.add('t', 0, batches, { logStart: 0n, batches: outcomes })
  const refused: BatchCommit = { outcome: 'outOfOrderSequence', baseOffset: -1n }
  expect(commit([{ outcome: 'duplicate', baseOffset: 3n }, refused, refused])).toBe(-1n)
  expect(tail.sizeBytes).toBe(0)
  expect(commit([{ outcome: 'duplicate', baseOffset: 3n }, accepted(7n), refused])).toBe(8n)
  expect(basesFrom(7n)).toEqual([7n])
})

test('after another agent wrote in between only what follows is there', () => {
  add(0n, ['a'])
  add(5n, ['b'])
  expect(basesFrom(0n)).toEqual([])
  expect(basesFrom(4n)).toEqual([])
  expect(basesFrom(5n)).toEqual([5n])
  expect(tail.end('t', 0)).toBe(6n)
})

describe('memory', () => {
  test('stays within the budget, oldest first, over all partitions', () => {
    tail = new LogTail(20_000, clock)
    for (let offset = 0n; offset < 1_000n; offset++) {
      add(offset, ['v'.repeat(100)], 't', Number(offset % 2n))
      expect(tail.sizeBytes).toBeLessThanOrEqual(20_000)
    }
    expect(tail.sizeBytes).toBeGreaterThan(19_000)
  })

  test('is counted for what a small batch costs beside its bytes', () => {
    add(0n, ['a'])
    expect(tail.sizeBytes).toBeGreaterThan(batchOf(['a']).bytes.length + 200)
  })

  test('of an evicted batch is not kept alive', () => {
    setFlagsFromString('--expose_gc')
    const gc = runInNewContext('gc') as () => void
    const large = () => ({ ...batchOf(['v'.repeat(50_000)]) })
    const first = large()
    const memory = new WeakRef(first.bytes.buffer)
    const addLarge = (batch: AppendBatch, baseOffset: bigint) =>
      tail.add('t', 0, [batch], { logStart: 0n, batches: [accepted(baseOffset)] })
    addLarge(first, 0n)
    Object.assign(first, { bytes: null })
    for (let offset = 1n; offset < 4n; offset++) addLarge(large(), offset)
    expect(basesFrom(3n)).toEqual([3n])
    return new Promise<void>((resolve) => setTimeout(resolve, 0)).then(() => {
      gc()
      expect(memory.deref()).toBeUndefined()
    })
  })

  test('is its own: the frame that a batch came in may be overwritten', () => {
    const frame = Buffer.alloc(65_536)
    const { bytes } = batchOf(['a'])
    bytes.copy(frame, 100)
    const view = { ...batchOf(['a']), bytes: frame.subarray(100, 100 + bytes.length) }
    tail.add('t', 0, [view], { logStart: 0n, batches: [accepted(4n)] })
    frame.fill(0)
    const [piece] = tail.read('t', 0, 4n, all, false).pieces
    expect(piece!.buffer).not.toBe(frame.buffer)
    expect(readBatchHeader(piece!).baseOffset).toBe(4n)
    expect(verifyCrc(piece!)).toBe(true)
  })

  test('of none at all still knows how far the log reaches', () => {
    tail = new LogTail(0, clock)
    expect(add(0n, ['a'])).toBe(1n)
    expect(basesFrom(0n, all, true)).toEqual([])
    expect([tail.sizeBytes, tail.end('t', 0)]).toEqual([0, 1n])
  })
})

describe('the end of a partition', () => {
  test('is fresh for 25 ms after a commit and after the metadata was asked', () => {
    const fresh = () => tail.read('t', 0, 1n, all, false).fresh
    add(0n, ['a'])
    clock.ms += 24
    expect(fresh()).toBe(true)
    clock.ms += 1
    expect(fresh()).toBe(false)
    tail.verified('t', 0, 1n, 0n)
    clock.ms += 24
    expect(fresh()).toBe(true)
    clock.ms += 1
    expect(fresh()).toBe(false)
  })

  test('is remembered of partitions that nobody wrote here', () => {
    tail.verified('t', 9, 40n, 3n)
    expect(tail.read('t', 9, 40n, all, true)).toEqual({
      pieces: [],
      bytes: 0,
      highWatermark: 40n,
      logStart: 3n,
      fresh: true,
    })
  })

  test('does not fall by an answer that a commit overtook, and reaches beyond what is in memory', () => {
    add(0n, ['a'])
    add(1n, ['b'])
    tail.verified('t', 0, 1n, 0n)
    expect(tail.end('t', 0)).toBe(2n)
    tail.verified('t', 0, 9n, 1n)
    expect(tail.read('t', 0, 1n, all, false)).toMatchObject({ highWatermark: 9n, logStart: 1n })
    expect(basesFrom(1n)).toEqual([1n])
    expect(basesFrom(2n)).toEqual([])
  })
})
