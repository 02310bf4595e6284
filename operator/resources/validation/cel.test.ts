import { describe, expect, test } from 'vitest'
import { compileCel } from './cel.ts'

const self = {
  name: 'orders',
  count: 3,
  list: ['a', 'b'],
  map: { 'x.y': '1' },
  ref: { namespace: 'n' },
  flag: true,
}

describe('compileCel', () => {
  test.each([
    ['self.count == 3 && self.name != "x"', true],
    ['has(self.name) && !has(self.none)', true],
    ['has(self.ref.namespace) && has(self.ref.none) == false', true],
    [`self.ref.__namespace__ == 'n'`, true],
    ['self.count >= 3 ? self.count < 4 : false', true],
    [`'x.y' in self.map && !('z' in self.map)`, true],
    [`self.name in ['orders', 'x']`, true],
    ['size(self.list) == 2 && self.name.size() == 6', true],
    [`self.list.all(each, each.matches('^[ab]$'))`, true],
    [`self.list.exists(each, each == 'c')`, false],
    [`self.name.startsWith('or') && self.name.endsWith('rs') && self.name.contains('der')`, true],
    [`self.map['x.y'] == "1"`, true],
    ['1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && -1 < 0 && 7 / 2 == 3 && 7 % 2 == 1', true],
    [`has(self.none) ? self.none == 1 : self.count == 3`, true],
    [`self.ref == {}`, null],
  ])('%s', (text, expected) => {
    if (expected === null) expect(() => compileCel(text)).toThrow(SyntaxError)
    else expect(compileCel(text)({ self })).toBe(expected)
  })

  test('a field that is absent is an error, as is a comparison of unlike types', () => {
    expect(() => compileCel('self.none == 1')({ self })).toThrow(/no such key: none/)
    expect(() => compileCel('self.name < 1')({ self })).toThrow(TypeError)
    expect(() => compileCel('self.constructor == 1')({ self })).toThrow(/no such key/)
  })

  test.each(['', 'self.', 'self.a b', '(1', '[1', 'a ? b', '"open', 'self @ 1'])('%s is refused', (text) => {
    expect(() => compileCel(text)).toThrow(SyntaxError)
  })
})
