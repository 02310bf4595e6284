import type { TopicConfigType } from '@streamhouse/proto/kafka/generated/topic-configs'
import type { ConfigOrigin } from '../catalog/topic-config.ts'

/** Kafka's DescribeConfigsResponse.ConfigSource. A tenant's default is what Kafka calls a dynamic cluster-wide default. */
export const ConfigSource = {
  DynamicTopic: 1,
  DynamicDefaultBroker: 3,
  StaticBroker: 4,
  Default: 5,
} as const

export const configSources: Readonly<Record<ConfigOrigin, number>> = {
  topic: ConfigSource.DynamicTopic,
  tenant: ConfigSource.DynamicDefaultBroker,
  default: ConfigSource.Default,
}

/** Kafka's ConfigResource.Type. */
export const ResourceType = { Topic: 2, Broker: 4, BrokerLogger: 8, ClientMetrics: 16, Group: 32 } as const

/** Kafka's DescribeConfigsResponse.ConfigType. */
export const configTypes: Readonly<Record<TopicConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
}
