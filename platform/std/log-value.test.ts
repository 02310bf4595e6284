import { expect, it } from 'vitest'
import { toLogValue } from './log-value.ts'

it('an error shows its code and its causes', () => {
  const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' })
  const shown = toLogValue(new Error('Cannot reach the store', { cause })) as Record<string, unknown>
  expect(shown).toMatchObject({
    name: 'Error',
    message: 'Cannot reach the store',
    cause: { message: 'connect refused', code: 'ECONNREFUSED' },
  })
  expect(shown.stack).toContain('log-value.test')
})

it('secrets are left out by name at any depth and inside URLs', () => {
  const text = JSON.stringify(
    toLogValue({
      password: 'a1',
      nested: { secretAccessKey: 'b2', list: [{ apiToken: 'c3' }] },
      url: 'postgres://user:d4@host/db and s3://x:e5@y',
      map: new Map([['client_secret', 'f6']]),
      cause: new Error('dial postgres://user:g7@host'),
    }),
  )
  for (const secret of ['a1', 'b2', 'c3', 'd4', 'e5', 'f6', 'g7']) expect(text).not.toContain(secret)
  expect(text).toContain('postgres://user:***@host/db')
})

it('values that JSON cannot hold, or that do not end, are bounded', () => {
  const loop: Record<string, unknown> = {}
  loop.self = loop
  expect(toLogValue({ big: 12n, huge: 2n ** 63n, nan: Number.NaN, bytes: Buffer.alloc(7) })).toEqual({
    big: 12,
    huge: '9223372036854775808',
    nan: 'NaN',
    bytes: '7 bytes',
  })
  expect(JSON.stringify(toLogValue(loop)).length).toBeLessThan(200)
  expect((toLogValue(new Array(1_000).fill(1)) as unknown[]).length).toBe(51)
  expect((toLogValue('x'.repeat(10_000)) as string).length).toBe(4_001)
})
