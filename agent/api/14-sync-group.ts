/**
 * SyncGroup (key 14), versions 0 to 5.
 *
 * v3 knows static members (KIP-345). From v5 on both sides name the protocol type and the protocol (KIP-559).
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type SyncGroupRequest,
  type SyncGroupResponseInput,
  syncGroup,
} from '@streamhouse/proto/kafka/generated/14-sync-group'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import { asBuffer } from './as-buffer.ts'
import type { Handler } from './handler.ts'

export interface SyncGroupOptions {
  readonly groups: GroupCoordinator
}

export function syncGroupHandler(
  options: SyncGroupOptions,
): Handler<SyncGroupRequest, SyncGroupResponseInput> {
  return {
    codec: syncGroup,
    minVersion: 0,
    maxVersion: 5,
    async handle(request, { tenant }) {
      const { error, assignment, ...rest } = await options.groups.sync({
        organizationId: tenant.organizationId,
        groupId: request.groupId,
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        generationId: request.generationId,
        protocolType: request.protocolType,
        protocolName: request.protocolName,
        assignments: request.assignments,
      })
      return { errorCode: ErrorCode[error], ...rest, assignment: asBuffer(assignment) }
    },
    failure: (_request, errorCode) => ({ errorCode, assignment: Buffer.alloc(0) }),
  }
}
