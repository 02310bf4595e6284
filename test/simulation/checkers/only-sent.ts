import type { Checker, Violation } from './checker.ts'

const checker = 'only what was sent'

/** Nobody reads what was not sent before, or was sent to another partition, or whose producer was told that it is not there. */
export const checkOnlySent: Checker = ({ events, finalLogs }) => {
  const violations: Violation[] = []
  const sentTo = new Map<string, string>()
  const batches = new Map<string, readonly string[]>()
  const refused = new Set<string>()
  const look = (partition: string, reader: string, value: string, offset: bigint) => {
    const target = sentTo.get(value)
    if (target === partition) return
    const truth = target === undefined ? 'nobody had sent' : `was sent to ${target}`
    violations.push({
      checker,
      message: `${reader} read ${value} at offset ${offset} of ${partition}, which ${truth}`,
      about: [`"${value}"`],
    })
  }
  for (const event of events) {
    if (event.type === 'sent') {
      batches.set(event.batch, event.records)
      for (const value of event.records) sentTo.set(value, event.partition)
    } else if (event.type === 'settled' && event.fate === 'refused') {
      for (const value of batches.get(event.batch)!) refused.add(value)
    } else if (event.type === 'read') {
      for (const { offset, value } of event.records) look(event.partition, event.consumer, value, offset)
    }
  }
  for (const log of finalLogs) {
    for (const { offset, value } of log.records) {
      look(log.partition, log.agent, value, offset)
      if (!refused.has(value)) continue
      violations.push({
        checker,
        message: `${value} is at offset ${offset} of ${log.partition}, and its producer was told that it was not appended`,
        about: [`"${value}"`],
      })
    }
  }
  return violations
}
