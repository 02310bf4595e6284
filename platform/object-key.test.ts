import { expect, it } from 'vitest'
import { checkByteRange, checkObjectKey, checkObjectPrefix } from './object-key.ts'
import { ObjectStoreError } from './object-store.ts'

function codeOf(work: () => void): string {
  try {
    work()
    return 'ok'
  } catch (error) {
    return error instanceof ObjectStoreError ? error.code : `not an ObjectStoreError: ${error}`
  }
}

it('keys of the product are valid', () => {
  for (const key of ['a', 'org-5b4b/wal/2026-01-02T03/x.obj', '..a/b..', 'k=v/_', 'a'.repeat(255)]) {
    expect(codeOf(() => checkObjectKey(key))).toBe('ok')
  }
})

it('keys that would leave the store, or mean different things to different stores, are refused', () => {
  const bad = [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/./b',
    'a\\b',
    'a b',
    'a\0b',
    'ä',
    'a~',
    'a\n',
  ]
  for (const key of [...bad, 'a'.repeat(256), `${'a/'.repeat(600)}a`]) {
    expect([key.slice(0, 10), codeOf(() => checkObjectKey(key))]).toEqual([key.slice(0, 10), 'InvalidKey'])
  }
})

it('a prefix may end anywhere, but not climb', () => {
  for (const prefix of ['', 'a', 'a/', 'org-5', 'a/b/.'])
    expect(codeOf(() => checkObjectPrefix(prefix))).toBe('ok')
  for (const prefix of ['/', '/a', 'a//', '../', 'a/../', 'a%', 'a\0']) {
    expect(codeOf(() => checkObjectPrefix(prefix))).toBe('InvalidKey')
  }
})

it('coordinates that are no range are Corrupt', () => {
  expect(codeOf(() => checkByteRange('k', { start: 0, end: 0 }))).toBe('ok')
  for (const [start, end] of [
    [-1, 2],
    [3, 2],
    [0.5, 2],
    [0, Number.NaN],
    [0, Infinity],
  ] as const) {
    expect(codeOf(() => checkByteRange('k', { start, end }))).toBe('Corrupt')
  }
})
