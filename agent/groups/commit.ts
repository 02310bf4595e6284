import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import type { Group } from './group.ts'
import { refuseGeneration } from './membership.ts'
import type { GroupErrorName } from './types.ts'

type Commit = GroupEvents['commit']

/**
 * Whether a client may commit offsets, as ClassicGroup.validateOffsetCommit decides. Members must be of the current
 * generation, others (administrators, simple consumers) find an open door only while the group is empty. Between the
 * phases a commit is told to wait, since the partitions are about to change hands; during the join phase it is
 * welcome, since members commit before they give partitions up.
 */
export function commit(draft: GroupDraft, event: Commit): void {
  const error = refuseCommit(draft.group, event)
  if (error === 'NONE') {
    draft.set({ exists: true })
    keepSession(draft, event)
  }
  draft.reply(event.token, { kind: 'commit', result: { error } })
}

export function commitDead(draft: GroupDraft, event: Commit): void {
  draft.reply(event.token, { kind: 'commit', result: { error: 'COORDINATOR_NOT_AVAILABLE' } })
}

function refuseCommit(group: Group, { request }: Commit): GroupErrorName {
  const { generationId, memberId, instanceId, transactional } = request
  if (generationId < 0 && group.state === 'Empty') return 'NONE'
  if (!group.exists) return request.reportsMissingGroup ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION'
  if (generationId >= 0 || memberId !== '' || instanceId !== null) {
    const refused = refuseGeneration(group, request)
    if (refused) return refused
  } else if (!transactional) {
    return 'UNKNOWN_MEMBER_ID'
  }
  return group.state === 'CompletingRebalance' && !transactional ? 'REBALANCE_IN_PROGRESS' : 'NONE'
}

/** A commit is a sign of life, like a heartbeat. */
function keepSession(draft: GroupDraft, { request }: Commit): void {
  const member = draft.group.members.get(request.memberId)
  const { state } = draft.group
  if (member && !request.transactional && (state === 'Stable' || state === 'PreparingRebalance')) {
    draft.armSession(member)
  }
}
