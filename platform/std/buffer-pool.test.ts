import { expect, test } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const kibibyte = 1024

test('a buffer that was given back is taken again for the same size class', () => {
  const pool = new BufferPool({ maxBufferBytes: 1024 * kibibyte, maxKeptBytes: 4096 * kibibyte })
  const first = pool.take(100 * kibibyte)
  expect(first).toHaveLength(100 * kibibyte)
  pool.give(first)
  expect(pool.take(300 * kibibyte).buffer).not.toBe(first.buffer)
  const again = pool.take(128 * kibibyte)
  expect(again.buffer).toBe(first.buffer)
  expect(again).toHaveLength(128 * kibibyte)
})

test('a buffer is never lent to two at once, whatever is given back', () => {
  const pool = new BufferPool({ maxBufferBytes: 1024 * kibibyte, maxKeptBytes: 4096 * kibibyte })
  const buffer = pool.take(70_000)
  pool.give(buffer)
  pool.give(buffer)
  pool.give(buffer.subarray(10))
  pool.give(Buffer.alloc(64 * kibibyte))
  const lent = [pool.take(70_000), pool.take(70_000), pool.take(70_000), pool.take(1)]
  expect(new Set(lent.map(({ buffer: memory }) => memory)).size).toBe(4)
})

test('large buffers, and what exceeds the limit, are left to the garbage collector', () => {
  const pool = new BufferPool({ maxBufferBytes: 128 * kibibyte, maxKeptBytes: 128 * kibibyte })
  const large = pool.take(200 * kibibyte)
  pool.give(large)
  expect(pool.take(200 * kibibyte).buffer).not.toBe(large.buffer)
  const [first, second] = [pool.take(128 * kibibyte), pool.take(128 * kibibyte)]
  pool.give(first)
  pool.give(second)
  expect(pool.take(128 * kibibyte).buffer).toBe(first.buffer)
  expect(pool.take(128 * kibibyte).buffer).not.toBe(second.buffer)
})
