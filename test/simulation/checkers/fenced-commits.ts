import type { Commit } from '../history.ts'
import type { Checker, Violation } from './checker.ts'

const checker = 'fenced commits'

/** Once a member works in a generation, no commit that is sent by an older one is taken. */
export const checkFencedCommits: Checker = ({ events }) => {
  const violations: Violation[] = []
  const newest = new Map<string, { generation: number; member: string }>()
  const sent = new Map<string, { commit: Commit; newest: { generation: number; member: string } }>()
  for (const event of events) {
    if (event.type === 'synced') {
      const known = newest.get(event.group)
      if (known === undefined || known.generation < event.generation) newest.set(event.group, event)
    }
    if (event.type === 'commit') {
      const known = newest.get(event.group)
      if (known !== undefined && known.generation > event.generation) {
        sent.set(event.commit, { commit: event, newest: known })
      }
    }
    if (event.type !== 'committed' || event.fate !== 'done') continue
    const zombie = sent.get(event.commit)
    if (zombie === undefined) continue
    violations.push({
      checker,
      message: `${zombie.commit.member} of generation ${zombie.commit.generation} of ${event.group} committed offsets after ${zombie.newest.member} had its assignment of generation ${zombie.newest.generation}`,
      about: [`"${event.commit}"`, `"${event.group}"`],
    })
  }
  return violations
}
