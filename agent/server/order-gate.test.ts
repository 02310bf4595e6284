import { deferred } from '@streamhouse/platform/std/deferred'
import { expect, it } from 'vitest'
import { OrderGate } from './order-gate.ts'

it('a step with nothing ahead runs before enter returns', () => {
  const gate = new OrderGate()
  let ran = false
  void gate.enter(gate.lineUp(), () => {
    ran = true
  })
  expect(ran).toBe(true)
})

it('steps run in the order of their lining up, each after the promise of the one before', async () => {
  const gate = new OrderGate()
  const [a, b, c, d] = [gate.lineUp(), gate.lineUp(), gate.lineUp(), gate.lineUp()]
  const heard: string[] = []
  const slow = deferred()
  const last = gate.enter(d, () => heard.push('d'))
  const second = gate.enter(b, () => heard.push('b'))
  const first = gate.enter(a, async () => {
    await slow.promise
    heard.push('a')
  })
  await Promise.resolve()
  expect(heard).toEqual([])
  slow.resolve()
  await Promise.all([first, second])
  expect(heard).toEqual(['a', 'b'])
  gate.leave(c)
  await last
  expect(heard).toEqual(['a', 'b', 'd'])
})

it('a step that throws or rejects lets the next one through', async () => {
  const gate = new OrderGate()
  const [a, b, c] = [gate.lineUp(), gate.lineUp(), gate.lineUp()]
  const third = gate.enter(c, () => 3)
  const second = gate.enter(b, () => Promise.reject(new Error('b')))
  const first = gate.enter(a, () => {
    throw new Error('a')
  })
  await expect(first).rejects.toThrow('a')
  await expect(second).rejects.toThrow('b')
  expect(await third).toBe(3)
})
