import { TOPIC_CONFIGS } from '@streamhouse/proto/kafka/generated/topic-configs'
import type { TopicDefaults } from '@streamhouse/storage/metadata/organizations'
import { checkTopicConfig, listItems } from './config-validation.ts'

/** The effective settings of a topic that the data path acts on. */
export interface TopicConfig {
  /** Largest record batch accepted, in bytes, after the producer's compression. */
  readonly maxMessageBytes: number
  /** Whether records keep the producer's timestamp or get the agent's. */
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly timestampBeforeMaxMs: bigint
  readonly timestampAfterMaxMs: bigint
  /** Whether cleanup.policy has `compact`, so that every record needs a key. */
  readonly compacted: boolean
}

/** Where the value of a config comes from, the strongest first. */
export type ConfigOrigin = 'topic' | 'tenant' | 'default'

export interface EffectiveConfig {
  readonly name: string
  readonly value: string
  readonly origin: ConfigOrigin
}

const kafkaDefaults: ReadonlyMap<string, string> = new Map(
  TOPIC_CONFIGS.map((definition) => [definition.name, definition.default]),
)

/** The value of one config that takes effect: the topic's own, else the tenant's default, else Kafka's. */
export function effectiveConfig(
  name: string,
  config: Readonly<Record<string, string>>,
  defaults: TopicDefaults,
): EffectiveConfig {
  const own = config[name]
  if (own !== undefined) return { name, value: own, origin: 'topic' }
  const tenant = defaults.config?.[name]
  if (tenant !== undefined) return { name, value: tenant, origin: 'tenant' }
  return { name, value: kafkaDefaults.get(name) ?? '', origin: 'default' }
}

/**
 * The settings that the data path needs. A stored value that is not valid, as a config may be that an older version
 * accepted, gives way to the next origin: a topic never becomes unusable over it.
 */
export function topicConfigOf(
  config: Readonly<Record<string, string>>,
  defaults: TopicDefaults,
): TopicConfig {
  const value = (name: string) => {
    const candidates = [config[name], defaults.config?.[name]]
    const valid = candidates.find((text) => text !== undefined && checkTopicConfig(name, text) === null)
    return (valid ?? kafkaDefaults.get(name)!).trim()
  }
  return {
    maxMessageBytes: Number(value('max.message.bytes')),
    timestampType: value('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: BigInt(value('message.timestamp.before.max.ms')),
    timestampAfterMaxMs: BigInt(value('message.timestamp.after.max.ms')),
    compacted: listItems(value('cleanup.policy')).includes('compact'),
  }
}
