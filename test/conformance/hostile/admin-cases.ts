import { type CreatableTopicInput, createTopics } from '@streamhouse/proto/kafka/generated/19-create-topics'
import { deleteTopics } from '@streamhouse/proto/kafka/generated/20-delete-topics'
import { describeConfigs } from '@streamhouse/proto/kafka/generated/32-describe-configs'
import { createPartitions } from '@streamhouse/proto/kafka/generated/37-create-partitions'
import { incrementalAlterConfigs } from '@streamhouse/proto/kafka/generated/44-incremental-alter-configs'
import { errorName, type HostileCase, type Scene } from './case.ts'

const timeoutMs = 10_000
const topicResource = 2
const noSuchId = 'deadbeef-dead-4ead-8ead-deadbeefdead'

function creates(name: string, topic: Partial<CreatableTopicInput>, answer: string): HostileCase {
  return {
    name: `CreateTopics: ${name}`,
    answer,
    async ask({ wire, topics }) {
      const whole = {
        name: topics.name(),
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
        ...topic,
      }
      const made = await wire.call(createTopics, 5, { topics: [whole], timeoutMs })
      return errorName(made.topics[0]!.errorCode)
    },
  }
}

function config(name: string, value: string | null): Partial<CreatableTopicInput> {
  return { configs: [{ name, value }] }
}

function widens(name: string, count: number, answer: string, topic?: string): HostileCase {
  return {
    name: `CreatePartitions: ${name}`,
    answer,
    async ask(scene: Scene) {
      const topics = [{ name: topic ?? scene.topic, count, assignments: null }]
      const answered = await scene.wire.call(createPartitions, 2, { topics, timeoutMs, validateOnly: false })
      return errorName(answered.results[0]!.errorCode)
    },
  }
}

function alters(
  name: string,
  change: { name: string; value: string | null; configOperation: number },
  answer: string,
  topic?: string,
): HostileCase {
  return {
    name: `IncrementalAlterConfigs: ${name}`,
    answer,
    async ask(scene: Scene) {
      const resources = [
        { resourceType: topicResource, resourceName: topic ?? scene.topic, configs: [change] },
      ]
      const answered = await scene.wire.call(incrementalAlterConfigs, 1, { resources, validateOnly: false })
      return errorName(answered.responses[0]!.errorCode)
    },
  }
}

const [set, append] = [0, 2]

/** Administration that must leave nothing behind. */
export const adminCases: readonly HostileCase[] = [
  ...['', '.', '..', 'a b', 'a/b', 'ä', 'x'.repeat(250)].map((name) =>
    creates(`the illegal name ${JSON.stringify(name.slice(0, 12))}`, { name }, 'INVALID_TOPIC_EXCEPTION'),
  ),
  creates('no partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS'),
  creates('-5 partitions', { numPartitions: -5 }, 'INVALID_PARTITIONS'),
  creates('a replication factor of 0', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'),
  creates('an unknown configuration', config('no.such.config', 'x'), 'INVALID_CONFIG'),
  creates('a configuration that is no number', config('retention.ms', 'soon'), 'INVALID_CONFIG'),
  creates('a configuration out of its range', config('max.message.bytes', '-1'), 'INVALID_CONFIG'),
  creates('a policy that does not exist', config('cleanup.policy', 'burn'), 'INVALID_CONFIG'),
  creates('a configuration without a value', config('retention.ms', null), 'INVALID_CONFIG'),
  {
    name: 'CreateTopics: one name twice',
    answer: ['INVALID_REQUEST'],
    async ask({ wire, topics }) {
      const topic = {
        name: topics.name(),
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      }
      const made = await wire.call(createTopics, 5, { topics: [topic, topic], timeoutMs })
      return [...new Set(made.topics.map((each) => errorName(each.errorCode)))]
    },
  },
  {
    name: 'CreateTopics: a topic that exists, and validation alone, make nothing',
    answer: ['TOPIC_ALREADY_EXISTS', 'NONE', 'NONE'],
    async ask({ wire, topics, topic }) {
      const create = async (name: string, validateOnly: boolean) => {
        const wanted = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
        const made = await wire.call(createTopics, 5, { topics: [wanted], timeoutMs, validateOnly })
        return errorName(made.topics[0]!.errorCode)
      }
      const name = topics.name()
      return [await create(topic, false), await create(name, true), await create(name, false)]
    },
  },
  {
    name: 'DeleteTopics: an unknown name',
    answer: 'UNKNOWN_TOPIC_OR_PARTITION',
    async ask({ wire }) {
      const answer = await wire.call(deleteTopics, 5, { topicNames: ['no-such-topic'], timeoutMs })
      return errorName(answer.responses[0]!.errorCode)
    },
  },
  {
    name: 'DeleteTopics: an unknown id',
    answer: 'UNKNOWN_TOPIC_ID',
    async ask({ wire }) {
      const answer = await wire.call(deleteTopics, 6, {
        topics: [{ name: null, topicId: noSuchId }],
        timeoutMs,
      })
      return errorName(answer.responses[0]!.errorCode)
    },
  },
  widens('as many as there are', 2, 'INVALID_PARTITIONS'),
  widens('fewer than there are', 1, 'INVALID_PARTITIONS'),
  widens('a negative number', -3, 'INVALID_PARTITIONS'),
  widens('an unknown topic', 9, 'UNKNOWN_TOPIC_OR_PARTITION', 'no-such-topic'),
  alters('an unknown name', { name: 'no.such.config', value: 'x', configOperation: set }, 'INVALID_CONFIG'),
  alters(
    'a value that is no number',
    { name: 'retention.ms', value: 'soon', configOperation: set },
    'INVALID_CONFIG',
  ),
  alters(
    'an item added to what is no list',
    { name: 'retention.ms', value: '5', configOperation: append },
    'INVALID_CONFIG',
  ),
  {
    ...alters(
      'an operation that does not exist',
      { name: 'retention.ms', value: '5', configOperation: 9 },
      'INVALID_REQUEST',
    ),
    kafka: 'UNKNOWN_SERVER_ERROR',
  },
  alters(
    'an unknown topic',
    { name: 'retention.ms', value: '5', configOperation: set },
    'UNKNOWN_TOPIC_OR_PARTITION',
    'no-such-topic',
  ),
  {
    name: 'DescribeConfigs: an unknown topic',
    answer: 'UNKNOWN_TOPIC_OR_PARTITION',
    async ask({ wire }) {
      const resources = [
        { resourceType: topicResource, resourceName: 'no-such-topic', configurationKeys: null },
      ]
      const answer = await wire.call(describeConfigs, 4, { resources })
      return errorName(answer.results[0]!.errorCode)
    },
  },
]
