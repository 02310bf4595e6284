import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import type { Group, Member } from './group.ts'
import { parkSync, refuseGeneration } from './membership.ts'
import { syncError, syncSuccess } from './replies.ts'
import { assignmentsFit } from './request-bounds.ts'
import type { GroupErrorName } from './types.ts'

type Sync = GroupEvents['sync']

/** A SyncGroup in a state where a member of the current generation is answered by `accept`. */
export function sync(
  accept: (draft: GroupDraft, event: Sync, member: Member) => void,
): (draft: GroupDraft, event: Sync) => void {
  return (draft, event) => {
    const refused = refuseSync(draft.group, event)
    if (refused) draft.reply(event.token, syncError(refused))
    else accept(draft, event, draft.group.members.get(event.request.memberId)!)
  }
}

/** In the join phase there is nothing to wait for: the member must join again. */
export function syncPreparing(draft: GroupDraft, event: Sync): void {
  draft.reply(event.token, syncError('REBALANCE_IN_PROGRESS'))
}

/** Waits for the leader's assignments; when it is the leader's, stores them first. */
export function syncCompleting(draft: GroupDraft, event: Sync, member: Member): void {
  const { group, limits } = draft
  const leads = group.leader === member.memberId
  if (leads && !assignmentsFit(event.request, limits)) {
    draft.reply(event.token, syncError('INVALID_REQUEST'))
    return
  }
  parkSync(draft, member, event.token)
  synced(draft, member)
  if (!leads || isSaving(group)) return
  const assignments = event.request.assignments.filter(({ memberId }) => group.members.has(memberId))
  draft.save({ kind: 'assignment', generationId: group.generationId, assignments }, assignments)
}

/** A follower that comes late, or that asks again. */
export function syncStable(draft: GroupDraft, event: Sync, member: Member): void {
  synced(draft, member)
  draft.reply(event.token, syncSuccess(draft.group, member))
}

export function syncDead(draft: GroupDraft, event: Sync): void {
  draft.reply(event.token, syncError('COORDINATOR_NOT_AVAILABLE'))
}

/** A client from version 5 on says which protocol it thinks it follows (KIP-559). */
function refuseSync(group: Group, { request }: Sync): GroupErrorName | null {
  const refused = refuseGeneration(group, request)
  if (refused) return refused
  const { protocolType, protocolName } = request
  const consistent =
    (protocolType === null || protocolType === group.protocolType) &&
    (protocolName === null || protocolName === group.protocolName)
  return consistent ? null : 'INCONSISTENT_GROUP_PROTOCOL'
}

function synced(draft: GroupDraft, member: Member): void {
  draft.setPendingSync(member.memberId, false)
  if (draft.group.pendingSyncs.size === 0) draft.disarm({ kind: 'sync' })
}

/** Whether the leader's assignments of this generation are already on their way to the store. */
function isSaving(group: Group): boolean {
  for (const save of group.saves.values()) {
    if (save.kind === 'assignment' && save.generationId === group.generationId) return true
  }
  return false
}
