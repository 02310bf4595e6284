import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import { refuseMember, removeMember, removePendingJoin, staticMemberId } from './membership.ts'
import { rebalance } from './rebalance.ts'
import type { GroupErrorName, LeavingMember } from './types.ts'

type Leave = GroupEvents['leave']

/** Removes the members that may be removed, answers for each, and rebalances once for all of them (KIP-345). */
export function leave(draft: GroupDraft, event: Leave): void {
  const { maxSize, pendingMembersMax } = draft.limits
  if (event.request.members.length > maxSize + pendingMembersMax) {
    draft.reply(event.token, { kind: 'leave', result: { error: 'INVALID_REQUEST', members: [] } })
    return
  }
  const members = event.request.members.map(({ memberId, instanceId, reason }) => ({
    memberId,
    instanceId,
    error: leaveOne(draft, { memberId, instanceId, reason }),
  }))
  draft.reply(event.token, { kind: 'leave', result: { error: 'NONE', members } })
  if (draft.group.state === 'Empty' || !members.some(({ error }) => error === 'NONE')) return
  const who = members.filter(({ error }) => error === 'NONE').map((each) => each.memberId || each.instanceId)
  rebalance(draft, `members left: ${who.slice(0, 10).join(', ')}`)
}

export function leaveDead(draft: GroupDraft, event: Leave): void {
  draft.reply(event.token, { kind: 'leave', result: { error: 'COORDINATOR_NOT_AVAILABLE', members: [] } })
}

function leaveOne(draft: GroupDraft, leaving: LeavingMember): GroupErrorName {
  const { group } = draft
  if (leaving.memberId !== '' && group.pendingJoins.has(leaving.memberId)) {
    removePendingJoin(draft, leaving.memberId)
    return 'NONE'
  }
  const memberId = memberIdOf(draft, leaving)
  if (memberId === null) return 'UNKNOWN_MEMBER_ID'
  const refused = refuseMember(group, memberId, leaving.instanceId)
  if (refused) return refused
  removeMember(draft, group.members.get(memberId)!)
  return 'NONE'
}

/** An administrator names a static member by its instance id alone. */
function memberIdOf(draft: GroupDraft, leaving: LeavingMember): string | null {
  if (leaving.memberId !== '') return leaving.memberId
  return leaving.instanceId === null ? null : staticMemberId(draft.group, leaving.instanceId)
}
