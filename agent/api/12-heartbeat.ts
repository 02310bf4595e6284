/**
 * Heartbeat (key 12), versions 0 to 4. v3 knows static members (KIP-345).
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type HeartbeatRequest,
  type HeartbeatResponseInput,
  heartbeat,
} from '@streamhouse/proto/kafka/generated/12-heartbeat'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { Handler } from './handler.ts'

export interface HeartbeatOptions {
  readonly groups: GroupCoordinator
}

export function heartbeatHandler(
  options: HeartbeatOptions,
): Handler<HeartbeatRequest, HeartbeatResponseInput> {
  return {
    codec: heartbeat,
    minVersion: 0,
    maxVersion: 4,
    async handle({ groupId, memberId, groupInstanceId, generationId }, { tenant }) {
      const { organizationId } = tenant
      const member = { memberId, instanceId: groupInstanceId, generationId }
      const { error } = await options.groups.heartbeat({ organizationId, groupId, ...member })
      return { errorCode: ErrorCode[error] }
    },
    failure: (_request, errorCode) => ({ errorCode }),
  }
}
