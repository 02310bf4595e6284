import { expect, it } from 'vitest'
import { ByteBudget, type ByteBudgetHolder } from './byte-budget.ts'

function holder(budget: ByteBudget, heard: string[], name: string): ByteBudgetHolder {
  return budget.open({ pressure: () => heard.push(`${name}+`), relief: () => heard.push(`${name}-`) })
}

it('a holder over its own limit is pressed alone, and relieved below the lower level', () => {
  const heard: string[] = []
  const budget = new ByteBudget({ maxBytes: 1_000, holderMaxBytes: 100, reliefShare: 0.5 })
  const a = holder(budget, heard, 'a')
  holder(budget, heard, 'b')
  a.take(100)
  expect(heard).toEqual([])
  a.take(1)
  a.take(50)
  a.give(100)
  expect(heard).toEqual(['a+'])
  a.give(1)
  expect(heard).toEqual(['a+', 'a-'])
  expect(budget.heldBytes).toBe(50)
})

it('the common limit presses every holder, also one that comes later', () => {
  const heard: string[] = []
  const budget = new ByteBudget({ maxBytes: 100, holderMaxBytes: 90 })
  const a = holder(budget, heard, 'a')
  const b = holder(budget, heard, 'b')
  a.take(80)
  b.take(30)
  expect(heard).toEqual(['a+', 'b+'])
  const c = holder(budget, heard, 'c')
  expect(c.pressed).toBe(true)
  b.give(30)
  expect(heard).toEqual(['a+', 'b+', 'c+', 'a-', 'b-', 'c-'])
})

it('a holder that closes gives all back, hears nothing more and may still be given to', () => {
  const heard: string[] = []
  const budget = new ByteBudget({ maxBytes: 100, holderMaxBytes: 100 })
  const a = holder(budget, heard, 'a')
  const b = holder(budget, heard, 'b')
  a.take(90)
  b.take(20)
  heard.length = 0
  a.close()
  a.give(50)
  a.take(5)
  a.close()
  expect(heard).toEqual(['b-'])
  expect(budget.heldBytes).toBe(20)
})

it('more bytes given back than held is our own mistake and throws', () => {
  const budget = new ByteBudget({ maxBytes: 100, holderMaxBytes: 100 })
  const a = holder(budget, [], 'a')
  a.take(1)
  expect(() => a.give(2)).toThrow('2 bytes given back, only 1 held')
})
