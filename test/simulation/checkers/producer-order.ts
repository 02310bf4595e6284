import { type Checker, finalLogs, type Violation } from './checker.ts'

const checker = 'producer order'

/** An idempotent producer's records lie in a partition in the order in which it sent them. */
export const checkProducerOrder: Checker = (evidence) => {
  const violations: Violation[] = []
  const order = new Map<string, { producer: string; rank: number }>()
  for (const event of evidence.events) {
    if (event.type !== 'sent' || !event.idempotent) continue
    for (const value of event.records) {
      if (!order.has(value)) order.set(value, { producer: event.producer, rank: order.size })
    }
  }
  for (const [partition, log] of finalLogs(evidence)) {
    const last = new Map<string, { rank: number; value: string }>()
    for (const { offset, value } of log.records) {
      const place = order.get(value)
      if (place === undefined) continue
      const before = last.get(place.producer)
      if (before !== undefined && before.rank > place.rank) {
        violations.push({
          checker,
          message: `${place.producer} sent ${value} before ${before.value}, and in ${partition} it comes after it, at offset ${offset}`,
          about: [`"${value}"`, `"${before.value}"`],
        })
      }
      if (before === undefined || before.rank < place.rank) {
        last.set(place.producer, { rank: place.rank, value })
      }
    }
  }
  return violations
}
