import { hashText, ownerOf } from '../membership/rendezvous.ts'
import type { GroupAddress } from './types.ts'

/** The agent that coordinates the group, among those alive; null when none is. */
export function coordinatorOf<Node extends { readonly nodeId: number }>(
  { organizationId, groupId }: GroupAddress,
  agents: readonly Node[],
): Node | null {
  return ownerOf(hashText(`group/${organizationId}/${groupId}`), agents)
}
