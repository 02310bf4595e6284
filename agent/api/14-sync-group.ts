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
      const { error, ...rest } = await options.groups.sync({
        organizationId: tenant.organizationId,
        groupId: request.groupId,
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        generationId: request.generationId,
        protocolType: request.protocolType,
        protocolName: request.protocolName,
        assignments: request.assignments,
      })
      return { errorCode: ErrorCode[error], ...rest }
    },
    failure: (_request, errorCode) => ({ errorCode, assignment: new Uint8Array(0) }),
  }
}
