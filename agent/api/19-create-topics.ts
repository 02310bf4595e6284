/**
 * CreateTopics (key 19), versions 0 to 7.
 *
 * v1 adds error messages and validateOnly, v4 -1 for the default partitions and replication factor (KIP-464), v5 the
 * topic's config in the answer (KIP-525), v7 its id.
 * Deviations: any replication factor, and assignments to any brokers, are accepted, for the object store replicates;
 * the answer says 1. A topic exists when it is answered, whatever the timeout.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type CreatableTopic,
  type CreatableTopicResultInput,
  type CreateTopicsRequest,
  type CreateTopicsResponseInput,
  createTopics,
} from '@streamhouse/proto/kafka/generated/19-create-topics'
import { TOPIC_CONFIGS } from '@streamhouse/proto/kafka/generated/topic-configs'
import type { CreatedTopic, TopicAdmin } from '../catalog/topic-admin.ts'
import { effectiveConfig } from '../catalog/topic-config.ts'
import { configSources } from './config-sources.ts'
import type { Handler, RequestContext } from './handler.ts'
import { duplicatesIn, refusalCodes } from './topic-refusals.ts'

export interface CreateTopicsOptions {
  readonly admin: TopicAdmin
}

/** Partitions that one request may create (Kafka's ReplicationControlManager draws the same line). */
const maxPartitionsPerRequest = 10_000

class Refusal extends Error {
  readonly errorCode: number

  constructor(errorCode: number, message: string) {
    super(message)
    this.errorCode = errorCode
  }
}

export function createTopicsHandler(
  options: CreateTopicsOptions,
): Handler<CreateTopicsRequest, CreateTopicsResponseInput> {
  return {
    codec: createTopics,
    minVersion: 0,
    maxVersion: 7,
    async handle(request, context) {
      const duplicates = duplicatesIn(request.topics.map((topic) => topic.name))
      const topics: CreatableTopicResultInput[] = []
      for (const name of duplicates) {
        topics.push(failed(name, ErrorCode.INVALID_REQUEST, `Topic '${name}' is in the request twice`))
      }
      let partitions = 0
      for (const topic of request.topics) {
        if (duplicates.has(topic.name)) continue
        // Nobody reads the answer any more: a long list is not worth finishing.
        if (context.signal.aborted) break
        partitions += Math.max(topic.numPartitions, topic.assignments.length, 1)
        topics.push(
          partitions > maxPartitionsPerRequest && topics.length > 0
            ? failed(
                topic.name,
                ErrorCode.POLICY_VIOLATION,
                `More than ${maxPartitionsPerRequest} partitions`,
              )
            : await createOne(options.admin, topic, request.validateOnly, context),
        )
      }
      return { topics }
    },
    failure: (request, errorCode) => ({
      topics: request.topics.map(({ name }) => failed(name, errorCode, null)),
    }),
  }
}

async function createOne(
  admin: TopicAdmin,
  topic: CreatableTopic,
  validateOnly: boolean,
  context: RequestContext,
): Promise<CreatableTopicResultInput> {
  const { tenant, principal } = context
  try {
    const wanted = {
      name: topic.name,
      partitionCount: wantedPartitions(topic),
      config: wantedConfig(topic),
    }
    const created = await admin.create(wanted, { tenant, principal, validateOnly })
    return 'refusal' in created
      ? failed(topic.name, refusalCodes[created.refusal], created.message)
      : succeeded(topic.name, created, context)
  } catch (error) {
    if (error instanceof Refusal) return failed(topic.name, error.errorCode, error.message)
    throw error
  }
}

/** The number of partitions, or null for the default. */
function wantedPartitions(topic: CreatableTopic): number | null {
  if (topic.assignments.length > 0) return assignedPartitions(topic)
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    const message = `Replication factor ${topic.replicationFactor} is neither positive nor -1 for the default`
    throw new Refusal(ErrorCode.INVALID_REPLICATION_FACTOR, message)
  }
  return topic.numPartitions === -1 ? null : topic.numPartitions
}

function assignedPartitions(topic: CreatableTopic): number {
  if (topic.numPartitions !== -1 || topic.replicationFactor !== -1) {
    const message = 'Partitions and replication factor must both be -1 when replicas are assigned'
    throw new Refusal(ErrorCode.INVALID_REQUEST, message)
  }
  const indexes = new Set(topic.assignments.map((assignment) => assignment.partitionIndex))
  const count = topic.assignments.length
  const consecutive = indexes.size === count && [...indexes].every((index) => index >= 0 && index < count)
  if (!consecutive) {
    const message = `Assigned partitions must be 0 to ${count - 1}, each once`
    throw new Refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  }
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (brokerIds.length === 0 || new Set(brokerIds).size < brokerIds.length) {
      const message = `Partition ${partitionIndex} is assigned to no broker, or to one twice`
      throw new Refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
    }
  }
  return count
}

function wantedConfig(topic: CreatableTopic): Record<string, string> {
  const config: Record<string, string> = Object.create(null)
  for (const { name, value } of topic.configs) {
    if (value === null) {
      throw new Refusal(ErrorCode.INVALID_CONFIG, `Config ${name.slice(0, 100)} has no value`)
    }
    config[name] = value
  }
  return config
}

function succeeded(name: string, created: CreatedTopic, context: RequestContext): CreatableTopicResultInput {
  const result = {
    name,
    errorCode: ErrorCode.NONE,
    numPartitions: created.partitionCount,
    replicationFactor: 1,
    configs: TOPIC_CONFIGS.map((definition) => {
      const { value, origin } = effectiveConfig(definition.name, created.config, context.tenant.defaults)
      return {
        name: definition.name,
        value,
        readOnly: false,
        configSource: configSources[origin],
        isSensitive: false,
      }
    }),
  }
  return created.topicId === null ? result : { ...result, topicId: created.topicId }
}

function failed(name: string, errorCode: number, errorMessage: string | null): CreatableTopicResultInput {
  return { name, errorCode, errorMessage }
}
