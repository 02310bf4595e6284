import { type Checker, finalLogs, type Violation } from './checker.ts'

const checker = 'duplicates'

/** A record of an idempotent producer is in the log once at most. */
export const checkDuplicates: Checker = (evidence) => {
  const violations: Violation[] = []
  const idempotent = new Set(
    evidence.events.flatMap((event) => (event.type === 'sent' && event.idempotent ? event.records : [])),
  )
  for (const [partition, log] of finalLogs(evidence)) {
    const offsets = new Map<string, bigint>()
    for (const { offset, value } of log.records) {
      const earlier = offsets.get(value)
      if (earlier === undefined) offsets.set(value, offset)
      else if (idempotent.has(value)) {
        violations.push({
          checker,
          message: `${value} is in ${partition} at offset ${earlier} and again at ${offset}`,
          about: [`"${value}"`],
        })
      }
    }
  }
  return violations
}
