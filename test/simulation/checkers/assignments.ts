import type { Checker, Violation } from './checker.ts'

const checker = 'assignments'

/** In one generation of a group a partition belongs to one member. */
export const checkAssignments: Checker = ({ events }) => {
  const violations: Violation[] = []
  const owners = new Map<string, string>()
  for (const event of events) {
    if (event.type !== 'synced') continue
    for (const partition of event.partitions) {
      const key = `${event.group} ${event.generation} ${partition}`
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, event.member)
      else if (owner !== event.member) {
        violations.push({
          checker,
          message: `In generation ${event.generation} of ${event.group} ${partition} belongs to ${owner} and to ${event.member}`,
          about: [`"${event.group}"`],
        })
      }
    }
  }
  return violations
}
