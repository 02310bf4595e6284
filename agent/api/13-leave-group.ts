/**
 * LeaveGroup (key 13), versions 0 to 5.
 *
 * Up to v2 one member leaves and the answer's code is its own; from v3 on members leave in a batch, each with a code
 * (KIP-345), v5 carries reasons (KIP-800).
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type LeaveGroupRequest,
  type LeaveGroupResponseInput,
  leaveGroup,
} from '@streamhouse/proto/kafka/generated/13-leave-group'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { LeaveResult } from '../groups/types.ts'
import type { Handler } from './handler.ts'

const firstVersionWithBatch = 3

export interface LeaveGroupOptions {
  readonly groups: GroupCoordinator
}

export function leaveGroupHandler(
  options: LeaveGroupOptions,
): Handler<LeaveGroupRequest, LeaveGroupResponseInput> {
  return {
    codec: leaveGroup,
    minVersion: 0,
    maxVersion: 5,
    async handle(request, { apiVersion, tenant }) {
      const single = { memberId: request.memberId, groupInstanceId: null, reason: null }
      const leaving = apiVersion >= firstVersionWithBatch ? request.members : [single]
      const result = await options.groups.leave({
        organizationId: tenant.organizationId,
        groupId: request.groupId,
        members: leaving.map(({ memberId, groupInstanceId, reason }) => ({
          memberId,
          instanceId: groupInstanceId,
          reason,
        })),
      })
      return apiVersion >= firstVersionWithBatch ? batchAnswer(result) : singleAnswer(result)
    },
    failure: (_request, errorCode) => ({ errorCode, members: [] }),
  }
}

function batchAnswer(result: LeaveResult): LeaveGroupResponseInput {
  const members = result.members.map(({ memberId, instanceId, error }) => ({
    memberId,
    groupInstanceId: instanceId,
    errorCode: ErrorCode[error],
  }))
  return { errorCode: ErrorCode[result.error], members }
}

function singleAnswer(result: LeaveResult): LeaveGroupResponseInput {
  const error = result.error === 'NONE' ? (result.members[0]?.error ?? 'NONE') : result.error
  return { errorCode: ErrorCode[error] }
}
