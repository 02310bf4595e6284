import type { SentBatch } from '../history.ts'
import type { Checker, Violation } from './checker.ts'

const checker = 'real-time order'

/** What is sent after an acknowledgement gets a higher offset than what was acknowledged: a partition never goes back. */
export const checkRealTimeOrder: Checker = ({ events }) => {
  const violations: Violation[] = []
  const highest = new Map<string, { offset: bigint; batch: string }>()
  const atSending = new Map<string, { offset: bigint; batch: string } | undefined>()
  const sent = new Map<string, SentBatch>()
  for (const event of events) {
    if (event.type === 'sent' && !sent.has(event.batch)) {
      sent.set(event.batch, event)
      atSending.set(event.batch, highest.get(event.partition))
    }
    if (event.type !== 'settled' || event.fate !== 'done') continue
    const before = atSending.get(event.batch)
    if (before !== undefined && event.baseOffset <= before.offset) {
      violations.push({
        checker,
        message: `${event.batch} was sent to ${event.partition} after ${before.batch} had been acknowledged up to ${before.offset}, and got ${event.baseOffset}`,
        about: [`"${event.batch}"`, `"${before.batch}"`],
      })
    }
    const offset = event.baseOffset + BigInt(sent.get(event.batch)!.records.length) - 1n
    const known = highest.get(event.partition)
    if (known === undefined || known.offset < offset) {
      highest.set(event.partition, { offset, batch: event.batch })
    }
  }
  return violations
}
