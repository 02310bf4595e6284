import type { GroupDraft } from './draft.ts'
import { allJoined, rebalanceTimeoutMs, removeMember } from './membership.ts'
import { selectProtocol } from './protocol-selection.ts'
import { joinSuccess, syncError } from './replies.ts'
import type { GroupErrorName } from './types.ts'

/** A join phase that starts over lasts this long at least, or members with a rebalance timeout of 0 would keep us spinning. */
const repeatedJoinPhaseMinMs = 1_000

/** Starts a rebalance where there is none; in the join phase of one, ends the phase when it can. */
export function rebalance(draft: GroupDraft, reason: string): void {
  if (draft.group.state === 'PreparingRebalance') completeJoinWhenAllJoined(draft)
  else prepareRebalance(draft, reason)
}

/** Goes to the join phase: every member has to send JoinGroup again. */
export function prepareRebalance(draft: GroupDraft, reason: string): void {
  if (draft.group.state === 'CompletingRebalance') discardAssignments(draft, 'REBALANCE_IN_PROGRESS')
  draft.set({ pendingSyncs: new Set() })
  draft.disarm({ kind: 'sync' })
  const initial = draft.group.state === 'Empty'
  draft.transition('PreparingRebalance')
  draft.effects.push({ type: 'rebalance-started', generationId: draft.group.generationId, reason })
  if (initial) beginInitialDelay(draft)
  else if (allJoined(draft.group)) completeJoin(draft)
  else draft.arm({ kind: 'rebalance' }, rebalanceTimeoutMs(draft.group))
}

/** Waits a little for more members, so that a starting application costs one rebalance, not many (KIP-134). */
function beginInitialDelay(draft: GroupDraft): void {
  const delayMs = draft.limits.initialRebalanceDelayMs
  const remainingMs = Math.max(rebalanceTimeoutMs(draft.group) - delayMs, 0)
  draft.set({ initialDelay: { delayMs, remainingMs, memberAdded: false } })
  draft.arm({ kind: 'rebalance' }, delayMs)
}

/** Ends the initial delay, or stretches it when somebody joined meanwhile and the rebalance timeout allows it. */
export function endInitialDelay(draft: GroupDraft): void {
  const { initialDelay } = draft.group
  if (!initialDelay?.memberAdded || initialDelay.remainingMs === 0) {
    completeJoin(draft)
    return
  }
  const delayMs = Math.min(draft.limits.initialRebalanceDelayMs, initialDelay.remainingMs)
  const remainingMs = Math.max(initialDelay.remainingMs - initialDelay.delayMs, 0)
  draft.set({ initialDelay: { delayMs, remainingMs, memberAdded: false } })
  draft.arm({ kind: 'rebalance' }, delayMs)
}

/** Ends the join phase early, except the first one's delay, which always runs its time. */
export function completeJoinWhenAllJoined(draft: GroupDraft): void {
  const { state, initialDelay } = draft.group
  if (state === 'PreparingRebalance' && !initialDelay && allJoined(draft.group)) completeJoin(draft)
}

/**
 * Ends the join phase: dynamic members that did not join are out, static ones stay until their session ends. If only
 * such static ones are left, the phase starts over.
 */
export function completeJoin(draft: GroupDraft): void {
  draft.disarm({ kind: 'rebalance' })
  for (const member of draft.group.members.values()) {
    if (member.join === null && member.instanceId === null) removeMember(draft, member)
  }
  if (draft.group.members.size > 0 && !electJoinedLeader(draft)) {
    draft.set({ initialDelay: null })
    draft.arm({ kind: 'rebalance' }, Math.max(rebalanceTimeoutMs(draft.group), repeatedJoinPhaseMinMs))
    return
  }
  draft.set({ generationId: nextGeneration(draft.group.generationId), initialDelay: null })
  if (draft.group.members.size === 0) {
    draft.set({ protocolName: null, leader: null })
    draft.transition('Empty')
    draft.save({ kind: 'emptied' })
    return
  }
  draft.set({ protocolName: selectProtocol(draft.group) })
  draft.transition('CompletingRebalance')
  announceGeneration(draft)
}

/** Kafka lets the generation overflow after 2^31 rebalances; ours starts over at 1, since a negative one means "none". */
function nextGeneration(generationId: number): number {
  return generationId >= 0x7fffffff ? 1 : generationId + 1
}

function announceGeneration(draft: GroupDraft): void {
  const { group } = draft
  for (const member of group.members.values()) {
    if (member.join !== null) {
      draft.reply(member.join, { kind: 'join', result: joinSuccess(group, member) })
    }
    draft.putMember({ ...member, join: null, isNew: false })
    draft.armSession(member)
  }
  draft.set({ pendingSyncs: new Set(group.members.keys()) })
  draft.arm({ kind: 'sync' }, rebalanceTimeoutMs(group))
}

/** Makes sure that the leader is one that joined; false when nobody did. */
function electJoinedLeader(draft: GroupDraft): boolean {
  const { members, leader } = draft.group
  if (leader !== null && members.get(leader)?.join != null) return true
  for (const member of members.values()) {
    if (member.join === null) continue
    draft.set({ leader: member.memberId })
    return true
  }
  return false
}

/** Drops the assignments of a generation that never became stable, and answers the syncs that wait for it. */
export function discardAssignments(draft: GroupDraft, error: GroupErrorName): void {
  for (const member of draft.group.members.values()) {
    draft.putMember({ ...member, assignment: new Uint8Array(0), sync: null })
    if (member.sync === null) continue
    draft.reply(member.sync, syncError(error))
    draft.armSession(member)
  }
}
