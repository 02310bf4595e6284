/**
 * DescribeCluster (key 60), versions 0 to 2.
 *
 * v1 adds the kind of endpoint, brokers or controllers (KIP-919), v2 fenced brokers (KIP-1073); an agent that is not alive is
 * not shown at all. There are no controllers apart from the agents.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type DescribeClusterRequest,
  type DescribeClusterResponseInput,
  describeCluster,
} from '@streamhouse/proto/kafka/generated/60-describe-cluster'
import type { ClusterView } from '../membership/membership.ts'
import {
  type AdvertisedAddressOf,
  allClusterOperations,
  brokersOf,
  clusterIdOf,
  controllerOf,
  operationsOmitted,
} from './cluster-answers.ts'
import type { Handler } from './handler.ts'

export interface DescribeClusterOptions {
  readonly cluster: ClusterView
  readonly advertised: AdvertisedAddressOf
}

const brokerEndpoints = 1

export function describeClusterHandler(
  options: DescribeClusterOptions,
): Handler<DescribeClusterRequest, DescribeClusterResponseInput> {
  return {
    codec: describeCluster,
    minVersion: 0,
    maxVersion: 2,
    async handle(request, { tenant, listenerName }) {
      if (request.endpointType !== brokerEndpoints) {
        const errorMessage = `Endpoint type ${request.endpointType} is not served here, only brokers (1)`
        const errorCode = ErrorCode.MISMATCHED_ENDPOINT_TYPE
        return { errorCode, errorMessage, endpointType: brokerEndpoints, clusterId: '', brokers: [] }
      }
      const brokers = brokersOf(options.cluster, listenerName, options.advertised)
      return {
        clusterId: clusterIdOf(tenant),
        controllerId: controllerOf(brokers, tenant),
        brokers: brokers.map(({ nodeId, host, port, rack }) => ({ brokerId: nodeId, host, port, rack })),
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
          ? allClusterOperations
          : operationsOmitted,
      }
    },
    failure: (request, errorCode) => ({
      errorCode,
      endpointType: request.endpointType,
      clusterId: '',
      brokers: [],
    }),
  }
}
