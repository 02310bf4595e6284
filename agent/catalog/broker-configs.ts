import { TOPIC_CONFIGS, type TopicConfigType } from '@streamhouse/proto/kafka/generated/topic-configs'

/** A broker setting as tools read it; it cannot be changed through Kafka's protocol. */
export interface BrokerConfig {
  readonly name: string
  readonly type: TopicConfigType
  readonly value: string
  readonly isDefault: boolean
}

/** Broker settings that stand behind topic configs under a name that is not `log.` and the topic's. */
const brokerNames: Readonly<Record<string, string>> = {
  'compression.gzip.level': 'compression.gzip.level',
  'compression.lz4.level': 'compression.lz4.level',
  'compression.type': 'compression.type',
  'compression.zstd.level': 'compression.zstd.level',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'index.interval.bytes': 'log.index.interval.bytes',
  'local.retention.bytes': 'log.local.retention.bytes',
  'local.retention.ms': 'log.local.retention.ms',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'max.message.bytes': 'message.max.bytes',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  'min.insync.replicas': 'min.insync.replicas',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'segment.ms': 'log.roll.ms',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
}

/** Topic configs without a broker setting behind them. */
const topicOnly: ReadonlySet<string> = new Set([
  'follower.replication.throttled.replicas',
  'leader.replication.throttled.replicas',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
])

/** The broker setting behind a topic config, or null. */
export function brokerNameOf(topicConfig: string): string | null {
  if (topicOnly.has(topicConfig)) return null
  return brokerNames[topicConfig] ?? `log.${topicConfig}`
}

const ownSettings: readonly (readonly [name: string, type: TopicConfigType, value: string])[] = [
  ['auto.create.topics.enable', 'BOOLEAN', 'true'],
  ['connections.max.idle.ms', 'LONG', '600000'],
  ['default.replication.factor', 'INT', '1'],
  ['delete.topic.enable', 'BOOLEAN', 'true'],
  ['group.initial.rebalance.delay.ms', 'INT', '3000'],
  ['group.max.session.timeout.ms', 'INT', '1800000'],
  ['group.max.size', 'INT', '2147483647'],
  ['group.min.session.timeout.ms', 'INT', '6000'],
  ['max.connections', 'INT', '2147483647'],
  ['num.partitions', 'INT', '1'],
  ['offset.metadata.max.bytes', 'INT', '4096'],
  ['offsets.retention.minutes', 'INT', '10080'],
  ['offsets.topic.replication.factor', 'INT', '3'],
  ['socket.request.max.bytes', 'INT', '104857600'],
  ['transaction.max.timeout.ms', 'INT', '900000'],
  ['transaction.state.log.min.isr', 'INT', '2'],
  ['transaction.state.log.replication.factor', 'INT', '3'],
  ['transactional.id.expiration.ms', 'INT', '604800000'],
]

/**
 * The settings an agent shows as a broker, by name.
 * @param configured values by Kafka's names, where the agent's differ from Kafka's defaults
 */
export function brokerConfigTable(configured: Readonly<Record<string, string>>): BrokerConfig[] {
  const table = new Map<string, BrokerConfig>()
  const add = (name: string, type: TopicConfigType, value: string) =>
    table.set(name, {
      name,
      type,
      value: configured[name] ?? value,
      isDefault: configured[name] === undefined,
    })
  for (const definition of TOPIC_CONFIGS) {
    const name = brokerNameOf(definition.name)
    if (name !== null) add(name, definition.type, definition.default)
  }
  for (const [name, type, value] of ownSettings) add(name, type, value)
  for (const [name, value] of Object.entries(configured)) if (!table.has(name)) add(name, 'STRING', value)
  return [...table.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
