import type { Group } from './group.ts'
import type { GroupLimits } from './limits.ts'
import { metadataBytes } from './membership.ts'
import type { GroupErrorName, JoinRequest, SyncRequest } from './types.ts'

/** Why a group id is refused, or null; no request but offset commit and fetch may leave it empty. */
export function refuseGroupId(
  groupId: string,
  limits: GroupLimits,
  mayBeEmpty: boolean,
): GroupErrorName | null {
  if (groupId === '' && !mayBeEmpty) return 'INVALID_GROUP_ID'
  if (groupId.includes('\0')) return 'INVALID_GROUP_ID'
  return Buffer.byteLength(groupId) > limits.groupIdMaxBytes ? 'INVALID_GROUP_ID' : null
}

/** Why a join is refused whatever the group's state, or null. */
export function refuseJoin(
  group: Group,
  request: Omit<JoinRequest, 'organizationId' | 'groupId'>,
  limits: GroupLimits,
): GroupErrorName | null {
  const { sessionTimeoutMs, instanceId, protocols } = request
  if (sessionTimeoutMs < limits.minSessionTimeoutMs || sessionTimeoutMs > limits.maxSessionTimeoutMs) {
    return 'INVALID_SESSION_TIMEOUT'
  }
  if (
    instanceId !== null &&
    (instanceId === '' || Buffer.byteLength(instanceId) > limits.instanceIdMaxBytes)
  ) {
    return 'INVALID_REQUEST'
  }
  if (protocols.length > limits.protocolsMax) return 'INVALID_REQUEST'
  if (new Set(protocols.map(({ name }) => name)).size !== protocols.length) return 'INVALID_REQUEST'
  const bytes = metadataBytes(protocols)
  if (bytes > limits.memberMetadataMaxBytes) return 'INVALID_REQUEST'
  let total = bytes
  for (const member of group.members.values()) {
    if (member.memberId !== request.memberId) total += metadataBytes(member.protocols)
  }
  return total > limits.groupMetadataMaxBytes ? 'GROUP_MAX_SIZE_REACHED' : null
}

/** Whether what a leader assigns stays within the bounds of the group's own metadata. */
export function assignmentsFit(request: Pick<SyncRequest, 'assignments'>, limits: GroupLimits): boolean {
  let total = 0
  for (const { assignment } of request.assignments) {
    if (assignment.length > limits.memberMetadataMaxBytes) return false
    total += assignment.length
  }
  return total <= limits.groupMetadataMaxBytes
}
