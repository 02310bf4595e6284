import { expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

const options = { initialMs: 100, maxMs: 1_000 }

it('the bound doubles with every failure up to the maximum', () => {
  const bounds = [1, 2, 3, 4, 5, 5_000].map((attempt) => backoffMs(attempt, options, 0.5) * 2)
  expect(bounds).toEqual([100, 200, 400, 800, 1_000, 1_000])
})

it('the jitter covers the whole range', () => {
  expect(backoffMs(3, options, 0)).toBe(0)
  expect(backoffMs(3, options, 0.999)).toBeCloseTo(399.6)
})
