import { expect, test } from 'vitest'
import { CompressionChoice } from './compression-choice.ts'

const runs = (choice: CompressionChoice, topicId: string, count: number) =>
  Array.from({ length: count }, () => choice.mayCompress(topicId))

test('a topic whose data shrinks is always compressed', () => {
  const choice = new CompressionChoice(true)
  for (let run = 0; run < 100; run++) {
    expect(choice.mayCompress('a')).toBe(true)
    choice.observe('a', true)
  }
})

test('after a run that did not shrink, 32 of the topic are left alone and then it is tried again', () => {
  const choice = new CompressionChoice(true)
  choice.observe('a', false)
  expect(runs(choice, 'b', 3)).toEqual([true, true, true])
  const tried = runs(choice, 'a', 33)
  expect(tried.indexOf(true)).toBe(32)
})

test('no more than 10,000 topics are remembered', () => {
  const choice = new CompressionChoice(true)
  for (let topic = 0; topic <= 10_000; topic++) choice.observe(`${topic}`, false)
  expect(choice.mayCompress('0')).toBe(true)
  expect(choice.mayCompress('1')).toBe(false)
  expect(choice.mayCompress('10000')).toBe(false)
})

test('nothing is compressed where that does not pay', () => {
  expect(new CompressionChoice(false).mayCompress('t')).toBe(false)
})
