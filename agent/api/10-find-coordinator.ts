/**
 * FindCoordinator (key 10), versions 0 to 6.
 *
 * v1 adds the kind of coordinator, v4 asks for many at once (KIP-699). Groups (kind 0) are placed by rendezvous hashing
 * over the live agents; transactional ids (kind 1) are refused, as InitProducerId refuses them; share groups' state
 * (kind 2) does not exist here.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type CoordinatorInput,
  type FindCoordinatorRequest,
  type FindCoordinatorResponseInput,
  findCoordinator,
} from '@streamhouse/proto/kafka/generated/10-find-coordinator'
import { coordinatorOf } from '../groups/placement.ts'
import type { ClusterView } from '../membership/membership.ts'
import { type AdvertisedAddressOf, type Broker, brokersOf } from './cluster-answers.ts'
import type { Handler } from './handler.ts'

const groupKind = 0
const transactionKind = 1
const firstVersionWithBatch = 4

export interface FindCoordinatorOptions {
  readonly cluster: ClusterView
  readonly advertised: AdvertisedAddressOf
}

export function findCoordinatorHandler(
  options: FindCoordinatorOptions,
): Handler<FindCoordinatorRequest, FindCoordinatorResponseInput> {
  return {
    codec: findCoordinator,
    minVersion: 0,
    maxVersion: 6,
    async handle(request, { apiVersion, tenant, listenerName }) {
      const brokers = brokersOf(options.cluster, listenerName, options.advertised)
      const find = (key: string) => coordinatorFor(key, request.keyType, tenant.organizationId, brokers)
      if (apiVersion >= firstVersionWithBatch) return { coordinators: request.coordinatorKeys.map(find) }
      return find(request.key)
    },
    failure(request, errorCode, { apiVersion }) {
      if (apiVersion < firstVersionWithBatch) return refused(request.key, errorCode)
      return { coordinators: request.coordinatorKeys.map((key) => refused(key, errorCode)) }
    },
  }
}

function coordinatorFor(
  key: string,
  kind: number,
  organizationId: string,
  brokers: readonly Broker[],
): CoordinatorInput {
  if (kind === transactionKind) return refused(key, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  if (kind !== groupKind) {
    return refused(key, ErrorCode.INVALID_REQUEST, `Coordinators of kind ${kind} do not exist here`)
  }
  const broker = coordinatorOf({ organizationId, groupId: key }, brokers)
  if (broker === null) return refused(key, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  return { key, nodeId: broker.nodeId, host: broker.host, port: broker.port, errorCode: ErrorCode.NONE }
}

function refused(key: string, errorCode: number, errorMessage: string | null = null): CoordinatorInput {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
