import type { Checker, Violation } from './checker.ts'

const checker = 'group offsets'

interface Write {
  readonly commit: string
  readonly offset: bigint
  readonly begunAt: number
  /** Infinity while it may still happen. */
  doneAt: number
}

/**
 * A committed offset is a register: a look-up gives the value of a commit that was not followed, as a whole and before the
 * look-up, by another one. An acknowledged commit is thus never lost and never taken back.
 */
export const checkGroupOffsets: Checker = ({ events }) => {
  const violations: Violation[] = []
  const writes = collectWrites(events)
  const asked = new Map<string, number>()
  for (const [at, event] of events.entries()) {
    if (event.type === 'askOffsets') asked.set(event.ask, at)
    if (event.type !== 'offsets') continue
    const askedAt = asked.get(event.ask)!
    for (const { partition, offset } of event.offsets) {
      const candidates = writes.get(`${event.group} ${partition}`) ?? []
      const done = candidates.filter((write) => write.doneAt < askedAt)
      const overtaken = (write: Write) => done.some((other) => other.begunAt > write.doneAt)
      const explained =
        offset < 0n
          ? done.length === 0
          : candidates.some((write) => write.offset === offset && write.begunAt < at && !overtaken(write))
      if (explained) continue
      const last = done.at(-1)
      violations.push({
        checker,
        message: `${event.group} was told that offset ${offset} of ${partition} is committed, after ${last === undefined ? 'no commit' : `${last.commit} of ${last.offset}`} had been acknowledged`,
        about: [`"${event.ask}"`, ...candidates.map((write) => `"${write.commit}"`)],
      })
    }
  }
  return violations
}

function collectWrites(events: Parameters<Checker>[0]['events']): Map<string, Write[]> {
  const fates = new Map<string, { fate: string; at: number }>()
  for (const [at, event] of events.entries()) {
    if (event.type === 'committed') fates.set(event.commit, { fate: event.fate, at })
  }
  const writes = new Map<string, Write[]>()
  for (const [begunAt, event] of events.entries()) {
    if (event.type !== 'commit') continue
    const end = fates.get(event.commit)
    if (end?.fate === 'refused') continue
    const doneAt = end?.fate === 'done' ? end.at : Number.POSITIVE_INFINITY
    for (const { partition, offset } of event.offsets) {
      const key = `${event.group} ${partition}`
      const list = writes.get(key) ?? []
      list.push({ commit: event.commit, offset, begunAt, doneAt })
      writes.set(key, list)
    }
  }
  return writes
}
