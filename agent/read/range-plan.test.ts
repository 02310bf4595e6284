import { expect, test } from 'vitest'
import { planRanges, type RunLocation } from './range-plan.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const run = (start: number, end: number, objectKey = 'a'): RunLocation => ({
  objectKey,
  start,
  end,
  encoding: 0,
})
const spans = (runs: RunLocation[]) =>
  planRanges(runs).map(({ objectKey, start, end, runs: members }) => [objectKey, start, end, members.length])

test('nothing needs no GET', () => {
  expect(planRanges([])).toEqual([])
})

test('runs that lie close together in an object come with one GET, whatever their order', () => {
  expect(spans([run(300, 400), run(0, 100), run(100, 200)])).toEqual([['a', 0, 400, 3]])
})

test('a gap is read along up to 128 KiB', () => {
  const gap = 128 * kibibyte
  expect(spans([run(0, 100), run(100 + gap, 200 + gap)])).toEqual([['a', 0, 200 + gap, 2]])
  expect(spans([run(0, 100), run(101 + gap, 200 + gap)])).toHaveLength(2)
})

test('a GET does not grow beyond 8 MiB, except for a run that is larger', () => {
  const parts = Array.from({ length: 20 }, (_, place) => run(place * mebibyte, (place + 1) * mebibyte))
  expect(spans(parts)).toEqual([
    ['a', 0, 8 * mebibyte, 8],
    ['a', 8 * mebibyte, 16 * mebibyte, 8],
    ['a', 16 * mebibyte, 20 * mebibyte, 4],
  ])
  expect(spans([run(0, 100 * mebibyte)])).toEqual([['a', 0, 100 * mebibyte, 1]])
})

test('objects are never read together', () => {
  expect(spans([run(0, 100, 'a'), run(100, 200, 'b'), run(100, 200, 'a')])).toEqual([
    ['a', 0, 200, 2],
    ['b', 100, 200, 1],
  ])
})
