/**
 * DescribeConfigs (key 32), versions 0 to 4.
 *
 * v0 says only whether a value is the default, v1 adds sources and synonyms (KIP-226), v3 types and documentation.
 * Topics have all of Kafka's configs. Brokers have the settings that tools read, read-only. Groups and client metrics
 * have none of their own.
 * Deviations: no documentation texts; a tenant's default shows as a dynamic cluster-wide default; log levels of brokers
 * are not described.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type DescribeConfigsRequest,
  type DescribeConfigsResource,
  type DescribeConfigsResourceResultInput,
  type DescribeConfigsResponseInput,
  type DescribeConfigsResultInput,
  describeConfigs,
} from '@streamhouse/proto/kafka/generated/32-describe-configs'
import { TOPIC_CONFIGS, type TopicConfigDefinition } from '@streamhouse/proto/kafka/generated/topic-configs'
import type { Tenant } from '../auth/tenant.ts'
import { type BrokerConfig, brokerNameOf } from '../catalog/broker-configs.ts'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import { effectiveConfig } from '../catalog/topic-config.ts'
import { checkTopicName } from '../catalog/topic-names.ts'
import type { ClusterView } from '../membership/membership.ts'
import { ConfigSource, configSources, configTypes, ResourceType } from './config-sources.ts'
import type { Handler } from './handler.ts'

export interface DescribeConfigsOptions {
  readonly catalog: TopicCatalog
  readonly cluster: ClusterView
  /** As `brokerConfigTable` makes it. */
  readonly brokerConfigs: readonly BrokerConfig[]
}

type Config = DescribeConfigsResourceResultInput

export function describeConfigsHandler(
  options: DescribeConfigsOptions,
): Handler<DescribeConfigsRequest, DescribeConfigsResponseInput> {
  return {
    codec: describeConfigs,
    minVersion: 0,
    maxVersion: 4,
    async handle(request, { tenant }) {
      const names = request.resources
        .filter(({ resourceType }) => resourceType === ResourceType.Topic)
        .map(({ resourceName }) => resourceName)
      const topics = await options.catalog.byName(tenant.organizationId, names)
      const results = request.resources.map((resource) =>
        resource.resourceType === ResourceType.Topic
          ? describeTopic(resource, topics.get(resource.resourceName), tenant, request.includeSynonyms)
          : describeOther(options, resource, request.includeSynonyms),
      )
      return { results }
    },
    failure: (request, errorCode) => ({
      results: request.resources.map((resource) => failed(resource, errorCode, null)),
    }),
  }
}

function describeTopic(
  resource: DescribeConfigsResource,
  topic: CatalogTopic | undefined,
  tenant: Tenant,
  includeSynonyms: boolean,
): DescribeConfigsResultInput {
  const problem = checkTopicName(resource.resourceName)
  if (problem !== null) return failed(resource, ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  if (topic === undefined) {
    const message = `There is no topic '${resource.resourceName}'`
    return failed(resource, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
  }
  const configs = TOPIC_CONFIGS.map((definition) => topicConfig(definition, topic, tenant, includeSynonyms))
  return succeeded(resource, configs)
}

function topicConfig(
  definition: TopicConfigDefinition,
  topic: CatalogTopic,
  tenant: Tenant,
  includeSynonyms: boolean,
): Config {
  const { value, origin } = effectiveConfig(definition.name, topic.config, tenant.defaults)
  return {
    name: definition.name,
    value,
    readOnly: false,
    isDefault: origin === 'default',
    configSource: configSources[origin],
    isSensitive: false,
    synonyms: includeSynonyms ? synonymsOf(definition, topic, tenant) : [],
    configType: configTypes[definition.type],
  }
}

/** Every value that the config has somewhere, the one in effect first. */
function synonymsOf(definition: TopicConfigDefinition, topic: CatalogTopic, tenant: Tenant) {
  const { name } = definition
  const brokerName = brokerNameOf(name)
  const synonyms = []
  const own = topic.config[name]
  if (own !== undefined) synonyms.push({ name, value: own, source: ConfigSource.DynamicTopic })
  const shared = tenant.defaults.config?.[name]
  if (shared !== undefined) {
    synonyms.push({ name: brokerName ?? name, value: shared, source: ConfigSource.DynamicDefaultBroker })
  }
  synonyms.push({ name: brokerName ?? name, value: definition.default, source: ConfigSource.Default })
  return synonyms
}

function describeOther(
  options: DescribeConfigsOptions,
  resource: DescribeConfigsResource,
  includeSynonyms: boolean,
): DescribeConfigsResultInput {
  switch (resource.resourceType) {
    case ResourceType.Broker:
      return describeBroker(options, resource, includeSynonyms)
    case ResourceType.Group:
    case ResourceType.ClientMetrics:
      return succeeded(resource, [])
    default: {
      const message = `Configs of resource type ${resource.resourceType} cannot be described`
      return failed(resource, ErrorCode.INVALID_REQUEST, message)
    }
  }
}

function describeBroker(
  options: DescribeConfigsOptions,
  resource: DescribeConfigsResource,
  includeSynonyms: boolean,
): DescribeConfigsResultInput {
  // The empty name asks for cluster-wide defaults that were set dynamically: there are none.
  if (resource.resourceName === '') return succeeded(resource, [])
  const known = options.cluster.agents.some(({ nodeId }) => String(nodeId) === resource.resourceName)
  if (!known) {
    const message = `There is no broker '${resource.resourceName.slice(0, 100)}'`
    return failed(resource, ErrorCode.INVALID_REQUEST, message)
  }
  const nodeId = (name: string): BrokerConfig => ({
    name,
    type: 'INT',
    value: resource.resourceName,
    isDefault: false,
  })
  const table = [nodeId('broker.id'), nodeId('node.id'), ...options.brokerConfigs]
  return succeeded(
    resource,
    table.map((config) => brokerConfig(config, includeSynonyms)),
  )
}

function brokerConfig(config: BrokerConfig, includeSynonyms: boolean): Config {
  const { name, value, isDefault } = config
  const source = isDefault ? ConfigSource.Default : ConfigSource.StaticBroker
  return {
    name,
    value,
    readOnly: true,
    isDefault,
    configSource: source,
    isSensitive: false,
    synonyms: includeSynonyms ? [{ name, value, source }] : [],
    configType: configTypes[config.type],
  }
}

function succeeded(
  resource: DescribeConfigsResource,
  configs: readonly Config[],
): DescribeConfigsResultInput {
  const { resourceType, resourceName, configurationKeys } = resource
  const wanted =
    configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys)
  return {
    errorCode: ErrorCode.NONE,
    resourceType,
    resourceName,
    configs: wanted === null ? configs : configs.filter(({ name }) => wanted.has(name)),
  }
}

function failed(
  { resourceType, resourceName }: DescribeConfigsResource,
  errorCode: number,
  errorMessage: string | null,
): DescribeConfigsResultInput {
  return { errorCode, errorMessage, resourceType, resourceName, configs: [] }
}
