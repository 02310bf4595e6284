import { expect, it } from 'vitest'
import { BoundedMap } from './bounded-map.ts'

it('the entry unused for longest leaves when there is no room', () => {
  const map = new BoundedMap<string, number>({ maxWeight: 2 })
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect([...map.keys()]).toEqual(['a', 'c'])
  expect(map.get('b')).toBeUndefined()
})

it('weights bound the sum, and an entry too heavy alone does not stay', () => {
  const removed: string[] = []
  const map = new BoundedMap<string, string>({
    maxWeight: 10,
    weigh: (value) => value.length,
    onRemove: (key) => removed.push(key),
  })
  map.set('a', 'xxxx')
  map.set('b', 'xxxx')
  map.set('c', 'xxxx')
  expect(removed).toEqual(['a'])
  expect(map.weight).toBe(8)
  map.set('d', 'x'.repeat(11))
  expect(map.size).toBe(0)
  expect(map.weight).toBe(0)
})

it('replacing, deleting and clearing report what left and keep the weight right', () => {
  const removed: number[] = []
  const map = new BoundedMap<string, number>({ maxWeight: 9, onRemove: (_key, value) => removed.push(value) })
  map.set('a', 1)
  map.set('a', 2)
  expect(map.delete('a')).toBe(true)
  expect(map.delete('a')).toBe(false)
  map.set('b', 3)
  map.clear()
  expect(removed).toEqual([1, 2, 3])
  expect(map.weight).toBe(0)
})
