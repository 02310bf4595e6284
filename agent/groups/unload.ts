import type { GroupDraft } from './draft.ts'
import { refuseWaiting } from './membership.ts'

/** The group is no longer ours: everybody who waits is sent to look for the coordinator. */
export function unload(draft: GroupDraft): void {
  for (const member of draft.group.members.values()) {
    refuseWaiting(draft, member, 'NOT_COORDINATOR', member.memberId)
    draft.disarm({ kind: 'session', memberId: member.memberId })
    draft.putMember({ ...member, join: null, sync: null })
  }
  for (const memberId of draft.group.pendingJoins) draft.disarm({ kind: 'session', memberId })
  draft.disarm({ kind: 'rebalance' })
  draft.disarm({ kind: 'sync' })
  draft.set({ pendingJoins: new Set(), pendingSyncs: new Set(), initialDelay: null, saves: new Map() })
  draft.transition('Dead')
}
