import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import { refuseGeneration } from './membership.ts'
import type { GroupErrorName } from './types.ts'

type Heartbeat = GroupEvents['heartbeat']

/** A Heartbeat in a state where a live member is answered `answer`; it keeps its session either way. */
export function heartbeat(answer: GroupErrorName): (draft: GroupDraft, event: Heartbeat) => void {
  return (draft, event) => {
    const refused = refuseGeneration(draft.group, event.request)
    if (!refused) draft.armSession(draft.group.members.get(event.request.memberId)!)
    draft.reply(event.token, { kind: 'heartbeat', result: { error: refused ?? answer } })
  }
}

export function heartbeatDead(draft: GroupDraft, event: Heartbeat): void {
  draft.reply(event.token, { kind: 'heartbeat', result: { error: 'COORDINATOR_NOT_AVAILABLE' } })
}
