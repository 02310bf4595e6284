import { expect, test } from 'vitest'
import { Arrivals } from './arrivals.ts'

function waiter(arrivals: Arrivals, ...awaited: [string, bigint][]) {
  const seen = { calls: 0, stop: () => {} }
  seen.stop = arrivals.subscribe(
    awaited.map(([key, highWatermark]) => ({ key, highWatermark })),
    () => {
      seen.calls++
    },
  )
  return seen
}

test('a waiter is called when one of its partitions reaches further than it saw', () => {
  const arrivals = new Arrivals()
  const one = waiter(arrivals, ['a', 3n], ['b', 0n])
  for (const [key, reached, calls] of [
    ['a', 3n, 0],
    ['a', -1n, 0],
    ['c', 9n, 0],
    ['b', 1n, 1],
    ['a', 4n, 2],
    ['a', 4n, 2],
  ] as const) {
    arrivals.reached(key, reached)
    expect(one.calls).toBe(calls)
  }
})

test('a waiter that saw less than another one is called for what the other knows', () => {
  const arrivals = new Arrivals()
  waiter(arrivals, ['a', 9n])
  const behind = waiter(arrivals, ['a', 3n])
  arrivals.reached('a', 9n)
  expect(behind.calls).toBe(1)
})

test('nobody is called after it stopped, not even by the call that is under way', () => {
  const arrivals = new Arrivals()
  const second = waiter(arrivals, ['a', 0n])
  second.stop()
  second.stop()
  expect(arrivals.idle).toBe(true)
  arrivals.reached('a', 5n)
  expect(second.calls).toBe(0)
})

test('a partition that is named twice is forgotten once its waiter stopped', () => {
  const arrivals = new Arrivals()
  const one = waiter(arrivals, ['a', 0n], ['a', 0n])
  arrivals.reached('a', 1n)
  expect(one.calls).toBe(1)
  one.stop()
  expect([...arrivals.keys()]).toEqual([])
})
