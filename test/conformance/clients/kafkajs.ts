import { randomBytes } from 'node:crypto'
import {
  type Admin,
  CompressionTypes,
  ConfigResourceTypes,
  type IHeaders,
  Kafka,
  type KafkaMessage,
  logLevel,
  Partitioners,
} from 'kafkajs'
import {
  ClientError,
  type Codec,
  type GroupOrder,
  type GroupOutcome,
  type KafkaClient,
  type Placement,
  type ProduceOrder,
  type ReadRecord,
  type SentRecord,
} from '../client.ts'
import { type GroupMember, positions, runGroup, until } from '../group-session.ts'

const compressionTypes: Partial<Record<Codec, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
}

export class KafkaJsClient implements KafkaClient {
  readonly name = 'kafkajs'
  readonly abilities = {
    codecs: ['none', 'gzip'],
    idempotence: true,
    admin: true,
    timestamps: true,
    bytes: true,
    nothing: true,
    headerList: false,
    alterConfigsKey: 33,
  } as const
  readonly #kafka: Kafka
  #admin: Admin | null = null

  constructor(bootstrap: string) {
    this.#kafka = new Kafka({
      clientId: 'conformance',
      brokers: [bootstrap],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 100, retries: 5 },
    })
  }

  async produce(order: ProduceOrder): Promise<Placement[]> {
    const producer = this.#kafka.producer({
      idempotent: order.idempotent,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    try {
      await producer.connect()
      const answers = await producer.send({
        topic: order.topic,
        acks: order.acks,
        compression: compressionTypes[order.codec]!,
        messages: order.records.map((record) => ({
          partition: record.partition,
          key: record.key,
          value: record.value,
          headers: toHeaders(record),
          ...(record.timestamp === null ? {} : { timestamp: String(record.timestamp) }),
        })),
      })
      const next = new Map(answers.map((answer) => [answer.partition, Number(answer.baseOffset)]))
      return order.records.map(({ partition }) => {
        const offset = next.get(partition)
        if (offset === undefined) return null
        next.set(partition, offset + 1)
        return offset
      })
    } catch (error) {
      throw asClientError(error)
    } finally {
      await producer.disconnect()
    }
  }

  /** The library reads in groups only: this is one of its own, from the beginning. */
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
        const admin = await this.#connectedAdmin()
        const [found] = await admin.fetchOffsets({ groupId: order.group, topics: [order.topic] })
        const sorted = found!.partitions.toSorted((a, b) => a.partition - b.partition)
        return sorted.map(({ offset }) => Math.max(Number(offset), 0))
      },
    })
  }

  async createTopic(
    topic: string,
    partitions: number,
    configs: Readonly<Record<string, string>>,
  ): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const wanted = { topic, numPartitions: partitions, replicationFactor: 1, configEntries }
    // It answers false, and throws nothing, when the topic is there.
    const made = await this.#do((admin) => admin.createTopics({ topics: [wanted], waitForLeaders: false }))
    if (!made) throw new ClientError(`kafkajs: ${topic} exists`, 36)
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#do((admin) => admin.deleteTopics({ topics: [topic] }))
  }

  listTopics(): Promise<string[]> {
    return this.#do((admin) => admin.listTopics())
  }

  async partitionCount(topic: string): Promise<number> {
    const { topics } = await this.#do((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
    return topics[0]!.partitions.length
  }

  async createPartitions(topic: string, total: number): Promise<void> {
    await this.#do((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: total }] }))
  }

  async topicConfigs(topic: string): Promise<Record<string, string | null>> {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]
    const answer = await this.#do((admin) => admin.describeConfigs({ resources, includeSynonyms: false }))
    return Object.fromEntries(
      answer.resources[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]),
    )
  }

  async alterTopicConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }]
    await this.#do((admin) => admin.alterConfigs({ validateOnly: false, resources }))
  }

  async offset(topic: string, partition: number, at: 'earliest' | 'latest' | number): Promise<number> {
    if (typeof at === 'number') {
      const found = await this.#do((admin) => admin.fetchTopicOffsetsByTimestamp(topic, at))
      return Number(found.find((place) => place.partition === partition)!.offset)
    }
    const found = await this.#do((admin) => admin.fetchTopicOffsets(topic))
    const place = found.find((candidate) => candidate.partition === partition)!
    return Number(at === 'earliest' ? place.low : place.high)
  }

  async close(): Promise<void> {
    await this.#admin?.disconnect()
  }

  async #join(topic: string, group: string): Promise<GroupMember> {
    const consumer = this.#kafka.consumer({
      groupId: group,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
      maxWaitTimeInMs: 200,
    })
    const records: ReadRecord[] = []
    let assigned: number[] = []
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned = (payload.memberAssignment[topic] ?? []).toSorted((a, b) => a - b)
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => void records.push(fromMessage(partition, message)),
    })
    return {
      records,
      assigned: () => assigned,
      async commit() {
        const offsets = [...positions(records)].map(([partition, offset]) => ({
          topic,
          partition,
          offset: String(offset),
        }))
        await consumer.commitOffsets(offsets)
      },
      close: () => consumer.disconnect(),
    }
  }

  async #do<Result>(action: (admin: Admin) => Promise<Result>): Promise<Result> {
    try {
      return await action(await this.#connectedAdmin())
    } catch (error) {
      throw asClientError(error)
    }
  }

  async #connectedAdmin(): Promise<Admin> {
    if (this.#admin === null) {
      this.#admin = this.#kafka.admin()
      await this.#admin.connect()
    }
    return this.#admin
  }
}

function toHeaders(record: SentRecord): IHeaders {
  return Object.fromEntries(record.headers.map(([name, value]) => [name, value ?? undefined]))
}

function fromMessage(partition: number, message: KafkaMessage): ReadRecord {
  const headers = Object.entries(message.headers ?? {}).flatMap(([name, value]) => {
    const values = Array.isArray(value) ? value : [value]
    return values.map((one): [string, Buffer | null] => [name, one === undefined ? null : Buffer.from(one)])
  })
  const { key, value } = message
  return {
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key,
    value,
    headers,
  }
}

/** The code lies at the bottom of wrapped errors. */
function asClientError(error: unknown): Error {
  for (let at = error; at instanceof Error; at = 'errors' in at ? (at.errors as unknown[])[0] : at.cause) {
    if ('code' in at && typeof at.code === 'number') return new ClientError(`kafkajs: ${error}`, at.code)
  }
  return error instanceof Error ? error : new Error(String(error))
}
