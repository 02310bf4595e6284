import type { Effect } from './effects.ts'
import type { Group, Member } from './group.ts'
import type { MemberAssignment, MemberProtocol } from './types.ts'

/** A member as it is stored. */
export interface PersistedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Every protocol the member offered, so that a restored group can still vote. */
  readonly protocols: readonly MemberProtocol[]
  readonly assignment: Uint8Array
}

/** A finished generation, as it is stored: Stable with its members, or Empty without. */
export interface PersistedGroup {
  readonly state: 'Empty' | 'Stable'
  readonly protocolType: string | null
  readonly generationId: number
  readonly protocolName: string | null
  readonly leader: string | null
  readonly members: readonly PersistedMember[]
}

/** What a group looks like once the generation with these assignments is stable. */
export function persistedGroup(
  group: Pick<Group, 'protocolType' | 'generationId' | 'protocolName' | 'leader' | 'members'>,
  assignments?: readonly MemberAssignment[],
): PersistedGroup {
  const assigned = assignments && new Map(assignments.map((each) => [each.memberId, each.assignment]))
  return {
    state: group.members.size === 0 ? 'Empty' : 'Stable',
    protocolType: group.protocolType,
    generationId: group.generationId,
    protocolName: group.protocolName,
    leader: group.leader,
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      sessionTimeoutMs: member.sessionTimeoutMs,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      protocols: member.protocols,
      assignment: assigned ? (assigned.get(member.memberId) ?? new Uint8Array(0)) : member.assignment,
    })),
  }
}

/**
 * The group that a new coordinator starts from. Members keep their generation, without a rebalance, and have a whole
 * session timeout to find the new coordinator.
 */
export function restoreGroup(
  groupId: string,
  stored: PersistedGroup,
  nowMs: number,
): { group: Group; effects: Effect[] } {
  const members = new Map<string, Member>(
    stored.members.map((member) => [member.memberId, { ...member, isNew: false, join: null, sync: null }]),
  )
  const group: Group = {
    groupId,
    state: members.size === 0 ? 'Empty' : 'Stable',
    stateSinceMs: nowMs,
    exists: true,
    generationId: stored.generationId,
    protocolType: stored.protocolType,
    protocolName: stored.protocolName,
    leader: stored.leader,
    members,
    pendingJoins: new Set(),
    pendingSyncs: new Set(),
    initialDelay: null,
    saves: new Map(),
    nextSave: 1,
  }
  const effects = stored.members.map(
    (member): Effect => ({
      type: 'arm',
      timer: { kind: 'session', memberId: member.memberId },
      delayMs: member.sessionTimeoutMs,
    }),
  )
  return { group, effects }
}
