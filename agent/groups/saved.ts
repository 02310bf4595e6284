import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import type { PendingSave } from './group.ts'
import { discardAssignments, prepareRebalance } from './rebalance.ts'
import { joinError, syncSuccess } from './replies.ts'
import type { GroupErrorName } from './types.ts'

type Saved = GroupEvents['saved']

/** The store's answer, when the sync phase may be what waits for it. */
export function savedCompleting(draft: GroupDraft, event: Saved): void {
  const pending = draft.takeSave(event.save)
  if (pending?.kind !== 'assignment' || pending.generationId !== draft.group.generationId) return
  if (event.error === 'NONE') {
    becomeStable(draft, pending)
    return
  }
  discardAssignments(draft, event.error)
  prepareRebalance(draft, `the assignments could not be stored: ${event.error}`)
}

/** The store's answer, when a returning static member may wait for it. */
export function savedStable(draft: GroupDraft, event: Saved): void {
  const pending = draft.takeSave(event.save)
  if (pending?.kind === 'static-member') answerStaticMember(draft, pending, event.error)
}

/** The store's answer to a question that nobody has any more; joins that waited for it wait for the generation now. */
export function savedLate(draft: GroupDraft, event: Saved): void {
  draft.takeSave(event.save)
}

function becomeStable(draft: GroupDraft, pending: PendingSave & { kind: 'assignment' }): void {
  const assigned = new Map(pending.assignments.map((each) => [each.memberId, each.assignment]))
  for (const member of draft.group.members.values()) {
    const assignment = assigned.get(member.memberId) ?? new Uint8Array(0)
    draft.putMember({ ...member, assignment, sync: null })
    if (member.sync === null) continue
    draft.reply(member.sync, syncSuccess(draft.group, { ...member, assignment }))
    // Its session may have ended unnoticed while it waited.
    draft.armSession(member)
  }
  draft.transition('Stable')
  const { generationId, members } = draft.group
  draft.effects.push({ type: 'generation-stable', generationId, members: members.size })
}

/**
 * If the id could not be stored the client is sent to try again and gets another one; the one it was never told keeps
 * the place meanwhile, so that the former incarnation stays fenced.
 */
function answerStaticMember(
  draft: GroupDraft,
  pending: PendingSave & { kind: 'static-member' },
  error: GroupErrorName,
): void {
  const member = draft.group.members.get(pending.memberId)
  if (!member || member.join !== pending.token) return
  draft.putMember({ ...member, join: null })
  draft.armSession(member)
  const result = error === 'NONE' ? pending.reply : joinError(error, '')
  draft.reply(pending.token, { kind: 'join', result })
}
