import { randomBytes } from 'node:crypto'
import { Admin, Consumer, GenericError, type Message, MultipleErrors, Producer } from '@platformatic/kafka'
import {
  allCodecs,
  ClientError,
  type GroupOrder,
  type GroupOutcome,
  type KafkaClient,
  type Placement,
  type ProduceOrder,
  type ReadRecord,
} from '../client.ts'
import { type GroupMember, positions, runGroup, until } from '../group-session.ts'

const topicResource = 2
const setOperation = 0

export class PlatformaticClient implements KafkaClient {
  readonly name = '@platformatic/kafka'
  readonly abilities = {
    codecs: allCodecs,
    idempotence: true,
    admin: true,
    timestamps: true,
    bytes: true,
    nothing: true,
    headerList: false,
    alterConfigsKey: 44,
  } as const
  readonly #common: { clientId: string; bootstrapBrokers: string[]; retries: number }
  readonly #admin: Admin

  constructor(bootstrap: string) {
    this.#common = { clientId: 'conformance', bootstrapBrokers: [bootstrap], retries: 5 }
    this.#admin = new Admin(this.#common)
  }

  async produce(order: ProduceOrder): Promise<Placement[]> {
    const producer = new Producer({ ...this.#common, idempotent: order.idempotent })
    try {
      await producer.send({
        acks: order.acks,
        compression: order.codec,
        messages: order.records.map((record) => ({
          topic: order.topic,
          partition: record.partition,
          headers: new Map(record.headers.map(([name, value]) => [Buffer.from(name), value!])),
          ...(record.key === null ? {} : { key: record.key }),
          ...(record.value === null ? {} : { value: record.value }),
          ...(record.timestamp === null ? {} : { timestamp: BigInt(record.timestamp) }),
        })),
      })
      return order.records.map(() => null)
    } catch (error) {
      throw asClientError(error)
    } finally {
      await producer.close()
    }
  }

  async consume(topic: string, _partitions: number, count: number): Promise<ReadRecord[]> {
    const member = await this.#join(topic, `reader-${randomBytes(6).toString('hex')}`)
    try {
      await until(`${count} records of ${topic} came`, () => member.records.length >= count)
      return member.records
    } finally {
      await member.close()
    }
  }

  async group(order: GroupOrder): Promise<GroupOutcome> {
    return runGroup(order, {
      join: (topic, group) => this.#join(topic, group),
      send: (records) =>
        this.produce({ topic: order.topic, codec: 'none', acks: -1, idempotent: false, records }),
      committed: async () => {
        const partitionIndexes = Array.from({ length: order.partitions }, (_, partition) => partition)
        const topics = [{ name: order.topic, partitionIndexes }]
        const [found] = await this.#admin.listConsumerGroupOffsets({
          groups: [{ groupId: order.group, topics }],
        })
        const partitions = found!.topics[0]!.partitions.toSorted(
          (a, b) => a.partitionIndex - b.partitionIndex,
        )
        return partitions.map(({ committedOffset }) => Math.max(Number(committedOffset), 0))
      },
    })
  }

  async createTopic(
    topic: string,
    partitions: number,
    configs: Readonly<Record<string, string>>,
  ): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await wrapped(this.#admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: entries }))
  }

  deleteTopic(topic: string): Promise<void> {
    return wrapped(this.#admin.deleteTopics({ topics: [topic] }))
  }

  listTopics(): Promise<string[]> {
    return wrapped(this.#admin.listTopics())
  }

  async partitionCount(topic: string): Promise<number> {
    const found = await wrapped(this.#admin.metadata({ topics: [topic], forceUpdate: true }))
    return found.topics.get(topic)!.partitionsCount
  }

  createPartitions(topic: string, total: number): Promise<void> {
    return wrapped(this.#admin.createPartitions({ topics: [{ name: topic, count: total }] }))
  }

  async topicConfigs(topic: string): Promise<Record<string, string | null>> {
    const resources = [{ resourceType: topicResource, resourceName: topic }] as const
    const [found] = await wrapped(this.#admin.describeConfigs({ resources: [...resources] }))
    return Object.fromEntries(found!.configs.map((config) => [config.name, config.value ?? null]))
  }

  alterTopicConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const changes = Object.entries(configs).map(([name, value]) => ({
      name,
      value,
      configOperation: setOperation as typeof setOperation,
    }))
    const resource = {
      resourceType: topicResource as typeof topicResource,
      resourceName: topic,
      configs: changes,
    }
    return wrapped(this.#admin.incrementalAlterConfigs({ resources: [resource] }))
  }

  async offset(topic: string, partition: number, at: 'earliest' | 'latest' | number): Promise<number> {
    const timestamp = at === 'earliest' ? -2n : at === 'latest' ? -1n : BigInt(at)
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }]
    const [found] = await wrapped(this.#admin.listOffsets({ topics }))
    return Number(found!.partitions[0]!.offset)
  }

  async close(): Promise<void> {
    await this.#admin.close()
  }

  async #join(topic: string, group: string): Promise<GroupMember> {
    const consumer = new Consumer({
      ...this.#common,
      groupId: group,
      autocommit: false,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
      maxWaitTime: 200,
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    const records: ReadRecord[] = []
    stream.on('data', (message) => records.push(fromMessage(message)))
    const failures: Error[] = []
    stream.on('error', (error) => failures.push(error))
    return {
      records,
      assigned() {
        if (failures[0] !== undefined) throw failures[0]
        const mine = consumer.assignments?.find((assignment) => assignment.topic === topic)
        return (mine?.partitions ?? []).toSorted((a, b) => a - b)
      },
      async commit() {
        const offsets = [...positions(records)].map(([partition, offset]) => ({
          topic,
          partition,
          offset: BigInt(offset),
          leaderEpoch: 0,
        }))
        await consumer.commit({ offsets })
      },
      async close() {
        await stream.close()
        await consumer.close(true)
      },
    }
  }
}

function fromMessage(message: Message): ReadRecord {
  return {
    partition: message.partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key ?? null,
    value: message.value ?? null,
    headers: message.headerEntries.map(([name, value]) => [name.toString(), value]),
  }
}

async function wrapped<Result>(action: Promise<Result>): Promise<Result> {
  try {
    return await action
  } catch (error) {
    throw asClientError(error)
  }
}

/** The answer's code lies somewhere below the error that is thrown. */
function asClientError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const found = codeIn(error)
  return found === null ? error : new ClientError(`@platformatic/kafka: ${error.message}`, found)
}

function codeIn(error: unknown): number | null {
  if (error instanceof GenericError && typeof error.apiCode === 'number') return error.apiCode
  if (error instanceof MultipleErrors || error instanceof AggregateError) {
    for (const part of error.errors) {
      const found = codeIn(part)
      if (found !== null) return found
    }
  }
  return error instanceof Error && error.cause !== undefined ? codeIn(error.cause) : null
}
