import { parseDurationMs } from '../resources/duration.ts'
import type { TenantSpecDefaults } from '../resources/generated/tenant.ts'
import type { TopicSpec, TopicSpecRetention } from '../resources/generated/topic.ts'
import { parseQuantity } from '../resources/quantity.ts'

/** Kafka's topic configs, as of 4.3; others are passed on, with a warning. */
const knownConfigs: ReadonlySet<string> = new Set([
  ...[
    'cleanup.policy',
    'compression.gzip.level',
    'compression.lz4.level',
    'compression.type',
    'compression.zstd.level',
  ],
  ...['delete.retention.ms', 'file.delete.delay.ms', 'flush.messages', 'flush.ms'],
  ...[
    'follower.replication.throttled.replicas',
    'index.interval.bytes',
    'leader.replication.throttled.replicas',
  ],
  ...['local.retention.bytes', 'local.retention.ms', 'max.compaction.lag.ms', 'max.message.bytes'],
  ...['message.timestamp.after.max.ms', 'message.timestamp.before.max.ms', 'message.timestamp.type'],
  ...['min.cleanable.dirty.ratio', 'min.compaction.lag.ms', 'min.insync.replicas', 'preallocate'],
  ...['remote.log.copy.disable', 'remote.log.delete.on.disable', 'remote.storage.enable'],
  ...[
    'retention.bytes',
    'retention.ms',
    'segment.bytes',
    'segment.index.bytes',
    'segment.jitter.ms',
    'segment.ms',
  ],
  'unclean.leader.election.enable',
])

/** The Kafka configs that a tenant's defaults and a topic's own spec come to; the topic's win. */
export function desiredConfig(
  spec: TopicSpec,
  defaults: TenantSpecDefaults | undefined,
): Record<string, string> {
  const config = {
    ...defaults?.config,
    ...retentionConfig(defaults?.retention),
    ...spec.config,
    ...retentionConfig(spec.retention),
  }
  if (spec.cleanupPolicy !== undefined) {
    // Kafka writes the list in this order.
    config['cleanup.policy'] = spec.cleanupPolicy
      .map((policy) => policy.toLowerCase())
      .sort()
      .join(',')
  }
  return config
}

/** Configs of a tenant's defaults. */
export function defaultConfig(defaults: TenantSpecDefaults | undefined): Record<string, string> {
  return { ...defaults?.config, ...retentionConfig(defaults?.retention) }
}

/** Names that Kafka has no topic config for. */
export function unknownConfigs(config: Readonly<Record<string, string>>): string[] {
  return Object.keys(config)
    .filter((key) => !knownConfigs.has(key))
    .sort()
}

function retentionConfig(retention: TopicSpecRetention | undefined): Record<string, string> {
  const config: Record<string, string> = {}
  if (retention?.time !== undefined) config['retention.ms'] = String(parseDurationMs(retention.time))
  if (retention?.bytes !== undefined) config['retention.bytes'] = String(parseQuantity(retention.bytes))
  return config
}
