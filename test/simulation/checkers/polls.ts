import type { Checker, Violation } from './checker.ts'

const checker = 'polls'

/**
 * Polls go on where the last one ended: no offset is skipped, none comes again, and a position that was reached by reading
 * is never out of range.
 */
export const checkPolls: Checker = ({ events }) => {
  const violations: Violation[] = []
  const positions = new Map<string, bigint>()
  for (const event of events) {
    if (event.type !== 'seek' && event.type !== 'read' && event.type !== 'outOfRange') continue
    const key = `${event.consumer} ${event.partition}`
    const about = [event.consumer]
    if (event.type === 'seek') {
      positions.set(key, event.offset)
      continue
    }
    if (event.type === 'outOfRange') {
      const message = `${event.agent} told ${event.consumer} that offset ${event.position} of ${event.partition} is out of range`
      violations.push({ checker, message, about })
      continue
    }
    let due = positions.get(key)
    if (due !== undefined && event.position !== due) {
      const message = `${event.consumer} polled ${event.partition} from ${event.position} and not from ${due}`
      violations.push({ checker, message, about })
    }
    due = event.position
    for (const { offset, value } of event.records) {
      if (offset !== due) {
        const message = `${event.consumer} got ${value} at offset ${offset} of ${event.partition} where ${due} was due`
        violations.push({ checker, message, about: [...about, `"${value}"`] })
      }
      due = offset + 1n
    }
    if (due > event.highWatermark && event.records.length > 0) {
      const message = `${event.consumer} read to ${due} of ${event.partition} beyond the high watermark ${event.highWatermark}`
      violations.push({ checker, message, about })
    }
    positions.set(key, due)
  }
  return violations
}
