import type { Group } from './group.ts'
import type { MemberProtocol } from './types.ts'

/** Whether a joiner has a protocol that every member supports, of the group's protocol type. */
export function supportsProtocols(
  group: Group,
  protocolType: string,
  protocols: readonly MemberProtocol[],
): boolean {
  if (group.members.size === 0) return protocolType !== '' && protocols.length > 0
  if (protocolType !== group.protocolType) return false
  const common = commonProtocols(group)
  return protocols.some(({ name }) => common.has(name))
}

/** Each member votes for its first protocol that all support; the most votes win, the earliest vote on a tie. */
export function selectProtocol(group: Group): string | null {
  const common = commonProtocols(group)
  const votes = new Map<string, number>()
  for (const member of group.members.values()) {
    const vote = member.protocols.find(({ name }) => common.has(name))?.name
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
  }
  let winner: string | null = null
  for (const [name, count] of votes) if (winner === null || count > votes.get(winner)!) winner = name
  return winner
}

/** Whether both lists name the same protocols in the same order with the same metadata. */
export function sameProtocols(left: readonly MemberProtocol[], right: readonly MemberProtocol[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ name, metadata }, index) => {
      const other = right[index]!
      return name === other.name && Buffer.compare(metadata, other.metadata) === 0
    })
  )
}

function commonProtocols(group: Group): Set<string> {
  const counts = new Map<string, number>()
  for (const member of group.members.values()) {
    for (const { name } of member.protocols) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const common = new Set<string>()
  for (const [name, count] of counts) if (count === group.members.size) common.add(name)
  return common
}
