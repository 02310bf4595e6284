import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import type { Network } from '@streamhouse/platform/network'
import type { ObjectStore } from '@streamhouse/platform/object-store'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { produceHandler } from './api/00-produce.ts'
import { fetchHandler } from './api/01-fetch.ts'
import { listOffsetsHandler } from './api/02-list-offsets.ts'
import { metadataHandler } from './api/03-metadata.ts'
import { offsetCommitHandler } from './api/08-offset-commit.ts'
import { offsetFetchHandler } from './api/09-offset-fetch.ts'
import { findCoordinatorHandler } from './api/10-find-coordinator.ts'
import { joinGroupHandler } from './api/11-join-group.ts'
import { heartbeatHandler } from './api/12-heartbeat.ts'
import { leaveGroupHandler } from './api/13-leave-group.ts'
import { syncGroupHandler } from './api/14-sync-group.ts'
import { createTopicsHandler } from './api/19-create-topics.ts'
import { deleteTopicsHandler } from './api/20-delete-topics.ts'
import { initProducerIdHandler } from './api/22-init-producer-id.ts'
import { describeConfigsHandler } from './api/32-describe-configs.ts'
import { createPartitionsHandler } from './api/37-create-partitions.ts'
import { incrementalAlterConfigsHandler } from './api/44-incremental-alter-configs.ts'
import { describeClusterHandler } from './api/60-describe-cluster.ts'
import type { AnyHandler } from './api/handler.ts'
import { Router } from './api/router.ts'
import { CachedTenantDirectory } from './auth/tenant-directory.ts'
import { brokerConfigTable } from './catalog/broker-configs.ts'
import { CachedTopicCatalog } from './catalog/cached-topic-catalog.ts'
import { TopicAdmin } from './catalog/topic-admin.ts'
import type { AgentConfig } from './config.ts'
import { GroupCoordinator } from './groups/coordinator.ts'
import { defaultGroupLimits } from './groups/limits.ts'
import { MetadataGroupStore } from './groups/metadata-group-store.ts'
import { coordinatorOf } from './groups/placement.ts'
import { HealthServer } from './health/health-server.ts'
import { Readiness } from './health/readiness.ts'
import { Membership } from './membership/membership.ts'
import { AgentMetrics } from './metrics/agent-metrics.ts'
import { LogMetrics } from './metrics/log-metrics.ts'
import { Arrivals, arrivalKey } from './read/arrivals.ts'
import { LogReader } from './read/log-reader.ts'
import { LogTail } from './read/log-tail.ts'
import { LongPoll } from './read/long-poll.ts'
import { OffsetLookup } from './read/offset-lookup.ts'
import { RunCache } from './read/run-cache.ts'
import { WatermarkPoller } from './read/watermark-poller.ts'
import { KafkaServer } from './server/kafka-server.ts'
import { LogWriter } from './write/log-writer.ts'

/** The outside world of an agent. */
export interface AgentPorts {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly network: Network
  readonly store: ObjectStore
  readonly database: Database
  readonly log: Log
}

export interface Agent {
  readonly nodeId: number
  readonly kafkaPort: number
  /** Null when the agent was started without. */
  readonly healthPort: number | null
  /** Stops accepting, answers what is under way, commits what is open, and leaves. */
  stop(): Promise<void>
}

/** Only a part of the config matters here: main.ts has made ports of the rest. */
export type AgentSettings = Pick<
  AgentConfig,
  | 'tenant'
  | 'kafkaHost'
  | 'kafkaPort'
  | 'advertisedHost'
  | 'advertisedPort'
  | 'nodeId'
  | 'rack'
  | 'flushBytes'
  | 'flushIntervalMs'
  | 'tailBytes'
  | 'cacheBytes'
  | 'requestBytes'
  | 'maxConnections'
  | 'fetchMaxBytes'
  | 'autoCreateTopics'
  | 'drainMs'
  | 'groupInitialRebalanceDelayMs'
> & {
  readonly health: { readonly host: string; readonly port: number } | null
  readonly objectsInFlight: number
  readonly compressRuns: boolean
}

const listenerName = 'KAFKA'
const commitTimeoutMs = 20_000
const groupTimings = {
  leaseDurationMs: 10_000,
  upkeepIntervalMs: 1_500,
  groupsPerTenantMax: 10_000,
  emptyGroupIdleMs: 600_000,
  queuedWritesMax: 1_000,
}

/** Composes an agent and brings it into service. */
export async function startAgent(settings: AgentSettings, ports: AgentPorts): Promise<Agent> {
  const metrics = new AgentMetrics()
  const tenants = new CachedTenantDirectory(ports)
  const catalog = new CachedTopicCatalog({
    ...ports,
    defaultsOf: (organizationId) => tenants.defaultsOf(organizationId),
  })
  const server = new KafkaServer({
    ...ports,
    tenants,
    router: { start: (frame, exchange) => router.start(frame, exchange) },
    listeners: [listener(settings)],
    limits: { maxTotalBytes: settings.requestBytes, maxConnections: settings.maxConnections },
  })
  const membership = new Membership({
    ...ports,
    nodeId: settings.nodeId < 0 ? null : settings.nodeId,
    address: () => server.advertisedAddress(listenerName),
    rack: settings.rack,
  })
  const log = composeLog(settings, ports, metrics, () => membership.agents.length > 1)
  const groups = composeGroups(settings, ports, membership)
  const handlers = composeHandlers({ settings, ports, catalog, membership, server, log, groups })
  const router = new Router({ ...ports, handlers, tenants, metrics })
  await server.start()
  const self = await membership.join()
  metrics.watchServer(server)
  log.poller.start()
  const health = await startHealth(settings, ports, metrics, server, membership)
  return {
    nodeId: self.nodeId,
    kafkaPort: server.boundPort(listenerName),
    healthPort: health?.port ?? null,
    async stop() {
      health?.readiness.drain()
      await membership.leave()
      await server.stop(settings.drainMs)
      log.poller.stop()
      await log.writer.close()
      await groups.close()
      await health?.server.stop()
    },
  }
}

function composeGroups(settings: AgentSettings, ports: AgentPorts, membership: Membership): GroupCoordinator {
  return new GroupCoordinator({
    ...ports,
    ...groupTimings,
    store: new MetadataGroupStore(ports.database),
    owner: {
      incarnation: membership.incarnation,
      get nodeId() {
        return membership.self?.nodeId ?? -1
      },
    },
    limits: { ...defaultGroupLimits, initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs },
    isPlacedHere: (address) => coordinatorOf(address, membership.agents)?.nodeId === membership.self?.nodeId,
  })
}

function listener(settings: AgentSettings) {
  return {
    name: listenerName,
    host: settings.kafkaHost,
    port: settings.kafkaPort,
    advertisedHost: settings.advertisedHost ?? settings.kafkaHost,
    ...(settings.advertisedPort > 0 ? { advertisedPort: settings.advertisedPort } : {}),
    defaultTenant: settings.tenant,
  }
}

/** The write and the read path. */
function composeLog(
  settings: AgentSettings,
  ports: AgentPorts,
  metrics: AgentMetrics,
  peersLive: () => boolean,
) {
  const { store, clock } = ports
  const logMetrics = new LogMetrics(metrics.registry)
  const tail = new LogTail(settings.tailBytes, clock)
  const cache = new RunCache(store, settings.cacheBytes, logMetrics)
  const arrivals = new Arrivals()
  const reader = new LogReader({ ...ports, tail, cache, readAheadBytes: settings.cacheBytes / 2 })
  const writer = new LogWriter({
    ...ports,
    flush: {
      flushBytes: settings.flushBytes,
      flushIntervalMs: settings.flushIntervalMs,
      objectsInFlight: settings.objectsInFlight,
    },
    compressRuns: settings.compressRuns,
    commitTimeoutMs,
    metrics: logMetrics,
    committed: (organizationId, sealed, commits) => {
      for (const [slot, { topicId, partition, batches }] of sealed.partitions.entries()) {
        const highWatermark = tail.add(topicId, partition, batches, commits[slot]!)
        arrivals.reached(arrivalKey(organizationId, topicId, partition), highWatermark)
      }
    },
  })
  logMetrics.watchMemory(
    metrics.registry,
    () => tail.sizeBytes,
    () => cache.sizeBytes,
  )
  const poller = new WatermarkPoller({ ...ports, arrivals, intervalMs: 25, intervalAloneMs: 500, peersLive })
  return { reader, writer, poller, longPoll: new LongPoll({ ...ports, reader, arrivals }) }
}

interface HandlerParts {
  readonly settings: AgentSettings
  readonly ports: AgentPorts
  readonly catalog: CachedTopicCatalog
  readonly membership: Membership
  readonly server: KafkaServer
  readonly log: ReturnType<typeof composeLog>
  readonly groups: GroupCoordinator
}

/** One handler for each API key; ApiVersions is the router's, made of these. */
function composeHandlers({
  settings,
  ports,
  catalog,
  membership,
  server,
  log,
  groups,
}: HandlerParts): AnyHandler[] {
  const { database, clock } = ports
  const admin = new TopicAdmin({ ...ports, catalog })
  const advertised = (name: string) => server.advertisedAddress(name)
  const brokerConfigs = brokerConfigTable({
    'auto.create.topics.enable': settings.autoCreateTopics,
    'group.initial.rebalance.delay.ms': String(settings.groupInitialRebalanceDelayMs),
  })
  return [
    produceHandler({ catalog, writer: log.writer, clock }),
    fetchHandler({ catalog, longPoll: log.longPoll, fetchMaxBytes: settings.fetchMaxBytes }),
    listOffsetsHandler({ catalog, database, lookup: new OffsetLookup(database, log.reader) }),
    metadataHandler({
      catalog,
      admin,
      cluster: membership,
      advertised,
      autoCreateTopics: settings.autoCreateTopics === 'true',
    }),
    offsetCommitHandler({ groups, catalog }),
    offsetFetchHandler({ groups, catalog }),
    findCoordinatorHandler({ cluster: membership, advertised }),
    joinGroupHandler({ groups }),
    heartbeatHandler({ groups }),
    leaveGroupHandler({ groups }),
    syncGroupHandler({ groups }),
    createTopicsHandler({ admin }),
    deleteTopicsHandler({ admin, catalog }),
    initProducerIdHandler({ database }),
    describeConfigsHandler({ catalog, cluster: membership, brokerConfigs }),
    createPartitionsHandler({ admin, catalog }),
    incrementalAlterConfigsHandler({ admin, catalog }),
    describeClusterHandler({ cluster: membership, advertised }),
  ]
}

async function startHealth(
  settings: AgentSettings,
  ports: AgentPorts,
  metrics: AgentMetrics,
  server: KafkaServer,
  membership: Membership,
) {
  if (settings.health === null) return null
  const readiness = new Readiness({
    ...ports,
    listening: () => server.listening,
    announced: () => membership.announced,
  })
  const health = new HealthServer({
    ...settings.health,
    readiness,
    metrics: metrics.registry,
    log: ports.log,
  })
  return { server: health, readiness, port: await health.start() }
}
