import type { Reply } from './effects.ts'
import type { Group, Member } from './group.ts'
import type { GroupErrorName, JoinedMember, JoinResult } from './types.ts'

const nothing = new Uint8Array(0)

/** The answer to a join that failed; a client takes a member id in it as its own. */
export function joinError(error: GroupErrorName, memberId: string): JoinResult {
  return {
    error,
    memberId,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

/** The answer to a member of the current generation; only the leader learns who the others are. */
export function joinSuccess(group: Group, member: Member): JoinResult {
  return {
    error: 'NONE',
    memberId: member.memberId,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leader ?? '',
    skipAssignment: false,
    members: group.leader === member.memberId ? joinedMembers(group) : [],
  }
}

export function joinedMembers(group: Group): JoinedMember[] {
  return Array.from(group.members.values(), (member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    metadata: member.protocols.find(({ name }) => name === group.protocolName)?.metadata ?? nothing,
  }))
}

export function syncError(error: GroupErrorName): Reply {
  return { kind: 'sync', result: { error, protocolType: null, protocolName: null, assignment: nothing } }
}

export function syncSuccess(group: Group, member: Member): Reply {
  return {
    kind: 'sync',
    result: {
      error: 'NONE',
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      assignment: member.assignment,
    },
  }
}
