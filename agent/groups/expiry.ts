import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import { removeMember } from './membership.ts'
import {
  completeJoin,
  completeJoinWhenAllJoined,
  endInitialDelay,
  prepareRebalance,
  rebalance,
} from './rebalance.ts'

/**
 * A member was silent for its session timeout. One that waits for us is not to blame, unless it is new: it has no
 * way to heartbeat, and may be a client that has long gone and joined again.
 */
export function sessionExpired(draft: GroupDraft, { memberId }: GroupEvents['sessionExpired']): void {
  if (draft.group.pendingJoins.has(memberId)) {
    draft.setPendingJoin(memberId, false)
    completeJoinWhenAllJoined(draft)
    return
  }
  const member = draft.group.members.get(memberId)
  if (!member) return
  const waits = member.join !== null || member.sync !== null
  if (waits && !member.isNew) return
  removeMember(draft, member)
  rebalance(draft, `member ${memberId} was not heard of for its session timeout`)
}

/** In an empty group only ids that were given out and not used can expire. */
export function sessionExpiredEmpty(draft: GroupDraft, { memberId }: GroupEvents['sessionExpired']): void {
  draft.setPendingJoin(memberId, false)
}

/** The join phase's time is up. */
export function rebalanceExpired(draft: GroupDraft): void {
  if (draft.group.initialDelay) endInitialDelay(draft)
  else completeJoin(draft)
}

/** Members that took their generation and never asked for an assignment are out. */
export function syncExpired(draft: GroupDraft): void {
  if (draft.group.pendingSyncs.size === 0) return
  const silent = [...draft.group.pendingSyncs]
  for (const memberId of silent) {
    const member = draft.group.members.get(memberId)
    if (member) removeMember(draft, member)
  }
  prepareRebalance(draft, `members did not send SyncGroup in time: ${silent.slice(0, 10).join(', ')}`)
}
