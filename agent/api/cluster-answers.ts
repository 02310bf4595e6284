import type { Tenant } from '../auth/tenant.ts'
import type { ClusterView } from '../membership/membership.ts'
import { combine, hashText, ownerOf } from '../membership/rendezvous.ts'

/** Where this agent's listeners are reached. */
export type AdvertisedAddressOf = (listenerName: string) => { readonly host: string; readonly port: number }

/** "Not asked for" among the authorized operations. */
export const operationsOmitted = -2_147_483_648

/** Bits of Kafka's AclOperation: READ 3, WRITE 4, CREATE 5, DELETE 6, ALTER 7, DESCRIBE 8, … */
function bits(...operations: number[]): number {
  return operations.reduce((set, operation) => set | (1 << operation), 0)
}

/** All that Kafka lists for a topic: read, write, create, delete, alter, describe, describe and alter configs. */
export const allTopicOperations = bits(3, 4, 5, 6, 7, 8, 10, 11)
/** All that Kafka lists for a cluster: create, alter, describe, cluster action, configs, idempotent write. */
export const allClusterOperations = bits(5, 7, 8, 9, 10, 11, 12)

export interface Broker {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/**
 * The live agents as brokers; for itself an agent names the address of the listener that the client came through, for
 * the others the one they announced.
 */
export function brokersOf(
  cluster: ClusterView,
  listenerName: string,
  advertised: AdvertisedAddressOf,
): Broker[] {
  const { self } = cluster
  if (self === null) return []
  const others = cluster.agents.filter((agent) => agent.nodeId !== self.nodeId)
  const own = { nodeId: self.nodeId, rack: self.rack, ...advertised(listenerName) }
  return [own, ...others.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack }))].sort(
    (a, b) => a.nodeId - b.nodeId,
  )
}

/** A cluster id for each tenant, in the form Kafka gives its own: 22 characters of URL-safe Base64. */
export function clusterIdOf(tenant: Tenant): string {
  return Buffer.from(tenant.organizationId.replaceAll('-', ''), 'hex').toString('base64url')
}

/** Whom admin clients send their requests to: any agent can serve them, each tenant's go to one. */
export function controllerOf(brokers: readonly Broker[], tenant: Tenant): number {
  return ownerOf(hashText(tenant.organizationId), brokers)?.nodeId ?? -1
}

/** Who is shown as leader of a topic's partitions. */
export function leadersOf(brokers: readonly Broker[], topicId: string): (partition: number) => number {
  const topicHash = hashText(topicId)
  return (partition) => ownerOf(combine(topicHash, partition), brokers)?.nodeId ?? -1
}
