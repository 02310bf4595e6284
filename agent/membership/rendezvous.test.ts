import { expect, it } from 'vitest'
import { combine, hashText, ownerOf } from './rendezvous.ts'

const nodes = (count: number) => Array.from({ length: count }, (_, nodeId) => ({ nodeId }))

it('keys are spread evenly, consecutive partitions of one topic too', () => {
  const topic = hashText('5f0c2a0e-8f1d-4a6b-9d63-0d1c0a5b7f11')
  const counts = new Array(5).fill(0)
  for (let partition = 0; partition < 10_000; partition++) {
    counts[ownerOf(combine(topic, partition), nodes(5))!.nodeId]++
  }
  for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(200)
})

it('a node that leaves gives away its own keys and no others', () => {
  const all = nodes(4)
  const left = all.filter(({ nodeId }) => nodeId !== 2)
  for (let i = 0; i < 2_000; i++) {
    const key = hashText(`group-${i}`)
    const before = ownerOf(key, all)!.nodeId
    if (before !== 2) expect(ownerOf(key, left)!.nodeId).toBe(before)
  }
})

it('the order of the nodes does not count, and without nodes there is no owner', () => {
  const key = hashText('key')
  expect(ownerOf(key, nodes(7).reverse())).toEqual(ownerOf(key, nodes(7)))
  expect(ownerOf(key, [])).toBeNull()
})

it('hashes stay what they are, since agents of two versions must agree', () => {
  expect([hashText(''), hashText('streamhouse'), combine(1, 2)]).toMatchInlineSnapshot(`
    [
      2872998923,
      2370868861,
      773256942,
    ]
  `)
})
