/**
 * JoinGroup (key 11), versions 0 to 9.
 *
 * v0 has no rebalance timeout: the session timeout stands in. v4 knows MEMBER_ID_REQUIRED (KIP-394), v5 static members
 * (KIP-345), v7 the protocol type in the answer and a null protocol name (KIP-559), v8 the client's reason (KIP-800),
 * v9 SkipAssignment (KIP-814).
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type JoinGroupRequest,
  type JoinGroupResponseInput,
  joinGroup,
} from '@streamhouse/proto/kafka/generated/11-join-group'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { JoinResult } from '../groups/types.ts'
import { asBuffer } from './as-buffer.ts'
import type { Handler } from './handler.ts'

const firstVersionWithMemberIdRequired = 4
const firstVersionWithNullProtocol = 7
const firstVersionWithSkipAssignment = 9

export interface JoinGroupOptions {
  readonly groups: GroupCoordinator
}

export function joinGroupHandler(
  options: JoinGroupOptions,
): Handler<JoinGroupRequest, JoinGroupResponseInput> {
  return {
    codec: joinGroup,
    minVersion: 0,
    maxVersion: 9,
    async handle(request, { apiVersion, tenant, clientId, clientHost }) {
      const result = await options.groups.join({
        organizationId: tenant.organizationId,
        groupId: request.groupId,
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        clientId: clientId ?? '',
        clientHost,
        sessionTimeoutMs: request.sessionTimeoutMs,
        rebalanceTimeoutMs: request.rebalanceTimeoutMs,
        protocolType: request.protocolType,
        protocols: request.protocols,
        requiresKnownMemberId: apiVersion >= firstVersionWithMemberIdRequired,
        supportsSkippingAssignment: apiVersion >= firstVersionWithSkipAssignment,
        reason: request.reason,
      })
      return answer(result, apiVersion)
    },
    failure: (request, errorCode, { apiVersion }) => ({
      errorCode,
      protocolName: apiVersion >= firstVersionWithNullProtocol ? null : '',
      leader: '',
      memberId: request.memberId,
      members: [],
    }),
  }
}

function answer(result: JoinResult, apiVersion: number): JoinGroupResponseInput {
  return {
    errorCode: ErrorCode[result.error],
    generationId: result.generationId,
    protocolType: result.protocolType,
    protocolName: result.protocolName ?? (apiVersion >= firstVersionWithNullProtocol ? null : ''),
    leader: result.leader,
    skipAssignment: result.skipAssignment,
    memberId: result.memberId,
    members: result.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata: asBuffer(metadata),
    })),
  }
}
