import { describe, expect, it } from 'vitest'
import { Ledger } from './ledger.ts'

describe('the ledger of the fault tests', () => {
  const written = (): [Ledger, string[]] => {
    const ledger = new Ledger()
    const values = ledger.next('a', 3)
    ledger.acknowledge(0, 0, values)
    return [ledger, values]
  }
  const at = (offset: number, value: string) => ({ partition: 0, offset, value })

  it('finds nothing wrong with a log that keeps its promise', () => {
    const [ledger, values] = written()
    expect(ledger.violations(values.map((value, offset) => at(offset, value)))).toEqual([])
  })

  it('sees a lost record, a duplicate, a foreign one, a gap and a wrong order', () => {
    const [ledger, [a, b, c]] = written() as [Ledger, [string, string, string]]
    const foundIn = (...log: ReturnType<typeof at>[]) => ledger.violations(log).join('\n')
    expect(foundIn(at(0, a), at(1, b))).toContain('0@2 was acknowledged')
    expect(foundIn(at(0, a), at(1, b), at(2, c), at(3, c))).toContain('is at 0@2 and at 0@3')
    expect(foundIn(at(0, a), at(1, b), at(2, c), at(3, 'x 0 '))).toContain('which nobody sent')
    expect(foundIn(at(0, a), at(2, c))).toContain('0@2 follows offset 0')
    expect(foundIn(at(0, a), at(1, c), at(2, b))).toContain('behind a later one')
  })
})
