import type { SentBatch } from '../history.ts'
import { type Checker, finalLogs, type Violation } from './checker.ts'

const checker = 'acknowledged records'

/** Lost write, inconsistent offset: an acknowledged record is in the log, at the offset that was acknowledged. */
export const checkAcknowledgedRecords: Checker = (evidence) => {
  const violations: Violation[] = []
  const logs = finalLogs(evidence)
  const valuesOf = new Map<string, Map<bigint, string>>()
  for (const [partition, log] of logs) {
    valuesOf.set(partition, new Map(log.records.map(({ offset, value }) => [offset, value])))
  }
  const sent = new Map<string, SentBatch>()
  for (const event of evidence.events) {
    if (event.type === 'sent') sent.set(event.batch, event)
    if (event.type !== 'settled' || event.fate !== 'done') continue
    const values = valuesOf.get(event.partition)
    if (values === undefined) continue
    for (const [index, value] of sent.get(event.batch)!.records.entries()) {
      const offset = event.baseOffset + BigInt(index)
      const found = values.get(offset)
      if (found === value) continue
      violations.push({
        checker,
        message: `${value} was acknowledged at offset ${offset} of ${event.partition}, where ${found ?? 'nothing'} is`,
        about: [event.batch, `"${value}"`, `"offset":"${offset}"`],
      })
    }
  }
  return violations
}
