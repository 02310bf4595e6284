import { type Checker, finalLogs, type Violation } from './checker.ts'

const checker = 'lasting records'

/**
 * An offset names one record for ever: every reader at any time sees the same one there, and what was read once is in the log
 * in the end, so nothing was shown before its commit.
 */
export const checkLastingRecords: Checker = (evidence) => {
  const violations: Violation[] = []
  const seen = new Map<string, { value: string; reader: string }>()
  const look = (partition: string, reader: string, offset: bigint, value: string) => {
    const place = `${partition}@${offset}`
    const first = seen.get(place)
    if (first === undefined) seen.set(place, { value, reader })
    else if (first.value !== value) {
      violations.push({
        checker,
        message: `Offset ${offset} of ${partition} was ${first.value} to ${first.reader} and ${value} to ${reader}`,
        about: [`"${value}"`, `"${first.value}"`],
      })
    }
  }
  for (const event of evidence.events) {
    if (event.type !== 'read') continue
    for (const { offset, value } of event.records) look(event.partition, event.consumer, offset, value)
  }
  for (const log of evidence.finalLogs) {
    for (const { offset, value } of log.records) look(log.partition, log.agent, offset, value)
  }
  const logs = finalLogs(evidence)
  for (const event of evidence.events) {
    const log = event.type === 'read' ? logs.get(event.partition) : undefined
    if (event.type !== 'read' || log === undefined) continue
    for (const { offset, value } of event.records) {
      if (offset < log.highWatermark) continue
      violations.push({
        checker,
        message: `${event.consumer} read ${value} at offset ${offset} of ${event.partition}, which ends at ${log.highWatermark}`,
        about: [`"${value}"`],
      })
    }
  }
  return violations
}
