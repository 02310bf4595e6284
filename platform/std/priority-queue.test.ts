import { expect, it } from 'vitest'
import { PriorityQueue } from './priority-queue.ts'

it('items leave in order, whatever the order they came in', () => {
  const queue = new PriorityQueue<number>((a, b) => a < b)
  const items = Array.from({ length: 500 }, (_, index) => (index * 7_919) % 503)
  for (const item of items) queue.push(item)
  const popped: number[] = []
  while (queue.size > 0) {
    expect(queue.peek()).toBeDefined()
    popped.push(queue.pop()!)
  }
  expect(popped).toEqual([...items].sort((a, b) => a - b))
  expect(queue.pop()).toBeUndefined()
})
