import type { LogRange } from '@streamhouse/storage/metadata/read-log'
import { beforeEach, expect, test } from 'vitest'
import { ReadAhead } from './read-ahead.ts'

const clock = { ms: 0, nowMs: () => clock.ms, monotonicMs: () => clock.ms }
const request = (partition: number, offset: bigint, maxBytes = 100) => ({
  topicId: 't',
  partition,
  offset,
  maxBytes,
})
const rangeTo = (highWatermark: bigint): LogRange => ({
  logStart: 0n,
  highWatermark,
  lastStable: highWatermark,
  extents: [],
})
let loads: number[]
let ahead: ReadAhead

beforeEach(() => {
  clock.ms = 0
  loads = []
  ahead = new ReadAhead({
    clock,
    maxBytes: 250,
    load: async (_, requests) => {
      loads.push(requests.length)
      return requests.map(({ offset }) => (offset === 13n ? null : rangeTo(offset)))
    },
  })
})

test('what was prepared is given once, at exactly its position', async () => {
  ahead.prepare('o', [request(0, 5n), request(1, 7n)])
  expect(loads).toEqual([2])
  expect(ahead.take('o', request(0, 6n))).toBeUndefined()
  expect(ahead.take('other', request(0, 5n))).toBeUndefined()
  expect(await ahead.take('o', request(1, 7n))).toEqual(rangeTo(7n))
  expect(await ahead.take('o', request(0, 5n))).toEqual(rangeTo(5n))
  expect(ahead.take('o', request(0, 5n))).toBeUndefined()
})

test('no more is fetched than the budget allows, and the oldest is forgotten for the newest', () => {
  ahead.prepare('o', [request(0, 5n), request(1, 5n), request(2, 5n)])
  expect(loads).toEqual([2])
  ahead.prepare('o', [request(3, 5n)])
  expect(ahead.take('o', request(0, 5n))).toBeUndefined()
  expect(ahead.take('o', request(3, 5n))).toBeDefined()
  ahead.prepare('o', [request(4, 5n, 251)])
  expect(loads).toEqual([2, 1])
})

test('bounds that have aged, partitions that are gone and failures give nothing', async () => {
  ahead.prepare('o', [request(0, 5n), request(1, 13n)])
  expect(await ahead.take('o', request(1, 13n))).toBeNull()
  clock.ms = 2_001
  expect(ahead.take('o', request(0, 5n))).toBeUndefined()
  const failing = new ReadAhead({ clock, maxBytes: 250, load: () => Promise.reject(new Error('away')) })
  failing.prepare('o', [request(0, 5n)])
  expect(await failing.take('o', request(0, 5n))).toBeNull()
})
