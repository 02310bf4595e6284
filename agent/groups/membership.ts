import type { GroupDraft } from './draft.ts'
import type { Group, Member, RequestToken } from './group.ts'
import { joinError, syncError } from './replies.ts'
import type { GroupErrorName, MemberProtocol } from './types.ts'

/** The member id that holds a static member's instance id, or null. */
export function staticMemberId(group: Group, instanceId: string): string | null {
  for (const member of group.members.values()) {
    if (member.instanceId === instanceId) return member.memberId
  }
  return null
}

/** Why a request in this member's name is refused, or null. An instance id is checked first (KIP-345). */
export function refuseMember(
  group: Group,
  memberId: string,
  instanceId: string | null,
): 'UNKNOWN_MEMBER_ID' | 'FENCED_INSTANCE_ID' | null {
  const member = group.members.get(memberId)
  if (instanceId !== null && member?.instanceId !== instanceId) {
    return staticMemberId(group, instanceId) === null ? 'UNKNOWN_MEMBER_ID' : 'FENCED_INSTANCE_ID'
  }
  return member ? null : 'UNKNOWN_MEMBER_ID'
}

/** As `refuseMember`, and of the current generation. */
export function refuseGeneration(
  group: Group,
  request: { readonly memberId: string; readonly instanceId: string | null; readonly generationId: number },
): GroupErrorName | null {
  const refused = refuseMember(group, request.memberId, request.instanceId)
  if (refused) return refused
  return request.generationId === group.generationId ? null : 'ILLEGAL_GENERATION'
}

/** Whether all members wait in a join, and nobody with a fresh member id is expected. */
export function allJoined(group: Group): boolean {
  if (group.pendingJoins.size > 0) return false
  for (const member of group.members.values()) if (member.join === null) return false
  return true
}

/** The longest of the members' rebalance timeouts; 0 without members. */
export function rebalanceTimeoutMs(group: Group): number {
  let longest = 0
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
  return longest
}

/** How long a member's metadata is, over all its protocols. */
export function metadataBytes(protocols: readonly MemberProtocol[]): number {
  return protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, 0)
}

/** Parks a join at the member; one that was parked already is a lost connection's, and is told to try again. */
export function parkJoin(draft: GroupDraft, member: Member, token: RequestToken): void {
  if (member.join !== null) {
    draft.reply(member.join, { kind: 'join', result: joinError('REBALANCE_IN_PROGRESS', member.memberId) })
  }
  draft.putMember({ ...member, join: token })
}

/** Parks a sync at the member, as `parkJoin` does. */
export function parkSync(draft: GroupDraft, member: Member, token: RequestToken): void {
  if (member.sync !== null) draft.reply(member.sync, syncError('REBALANCE_IN_PROGRESS'))
  draft.putMember({ ...member, sync: token })
}

/** Answers what a member still waits for, with an error. */
export function refuseWaiting(
  draft: GroupDraft,
  member: Member,
  error: GroupErrorName,
  memberId: string,
): void {
  if (member.join !== null) draft.reply(member.join, { kind: 'join', result: joinError(error, memberId) })
  if (member.sync !== null) draft.reply(member.sync, syncError(error))
}

/** Adds a new member; the first one becomes the leader and decides on the protocol type. */
export function addMember(draft: GroupDraft, member: Member, protocolType: string): void {
  const { group } = draft
  draft.set({
    exists: true,
    protocolType: group.members.size === 0 ? protocolType : group.protocolType,
    leader: group.leader ?? member.memberId,
  })
  draft.setPendingJoin(member.memberId, false)
  draft.putMember(member)
}

/**
 * Removes a member. What it waits for is answered with UNKNOWN_MEMBER_ID and no member id, so that a client that is
 * still there starts over. When it led, the oldest of the others leads.
 */
export function removeMember(draft: GroupDraft, member: Member): void {
  refuseWaiting(draft, member, 'UNKNOWN_MEMBER_ID', '')
  draft.disarm({ kind: 'session', memberId: member.memberId })
  draft.deleteMember(member.memberId)
  draft.setPendingSync(member.memberId, false)
  if (draft.group.leader === member.memberId) {
    const next = draft.group.members.keys().next()
    draft.set({ leader: next.done ? null : next.value })
  }
}

/** Forgets a member id that was given out and never used. */
export function removePendingJoin(draft: GroupDraft, memberId: string): void {
  draft.setPendingJoin(memberId, false)
  draft.disarm({ kind: 'session', memberId })
}

/** Gives a static member's place to its next incarnation, and fences what the last one waits for. */
export function replaceStaticMember(draft: GroupDraft, old: Member, newMemberId: string): Member {
  refuseWaiting(draft, old, 'FENCED_INSTANCE_ID', old.memberId)
  const member: Member = { ...old, memberId: newMemberId, isNew: false, join: null, sync: null }
  draft.renameMember(old.memberId, member)
  draft.disarm({ kind: 'session', memberId: old.memberId })
  draft.setPendingSync(old.memberId, false)
  if (draft.group.pendingSyncs.size === 0) draft.disarm({ kind: 'sync' })
  if (draft.group.leader === old.memberId) draft.set({ leader: newMemberId })
  return member
}
