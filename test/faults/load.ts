import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs'
import { Ledger } from './ledger.ts'

const batchRecords = 10
const pauseMs = 5
const settleTimeoutMs = 45_000
const requestTimeoutMs = 8_000

/** One stock producer, with idempotence on, that sends to one partition and waits for each answer. */
interface Writer {
  readonly name: string
  /** Sends until it succeeds; gives the offset of the first record. */
  send(partition: number, values: readonly string[]): Promise<number>
  close(): Promise<void>
}

/**
 * A continuous, numbered load by stock clients. kafkajs and @platformatic/kafka have one partition each in turn: both
 * give a retried batch its old sequence only while nothing else of theirs is under way.
 */
export class Load {
  readonly topic: string
  readonly partitions: number
  readonly ledger = new Ledger()
  /** Sends that a client gave up: its records are in doubt for ever. */
  readonly failures: string[] = []
  readonly kafka: Kafka
  readonly #bootstrap: readonly string[]
  #stopped = false
  #writers: Promise<void>[] = []

  private constructor(bootstrap: readonly string[], topic: string, partitions: number) {
    this.#bootstrap = bootstrap
    this.topic = topic
    this.partitions = partitions
    this.kafka = kafkaOf(bootstrap)
  }

  /** Makes a topic and begins to write to it. */
  static async start(bootstrap: readonly string[], partitions = 4): Promise<Load> {
    const load = new Load(bootstrap, `load-${randomBytes(4).toString('hex')}`, partitions)
    await withAdmin(load.kafka, (admin) =>
      admin.createTopics({
        topics: [{ topic: load.topic, numPartitions: partitions, replicationFactor: 1 }],
      }),
    )
    for (let partition = 0; partition < partitions; partition++) {
      const kind = partition % 2 === 0 ? kafkaJsWriter : platformaticWriter
      const writer = await kind(load.#bootstrap, load.topic, `writer-${partition}`)
      load.#writers.push(load.#write(writer, partition))
    }
    return load
  }

  get acknowledged(): number {
    return this.ledger.acknowledgements.length
  }

  /** Resolves when this many more records are acknowledged: the load goes on. */
  async progress(records: number, timeoutMs = 30_000): Promise<void> {
    const wanted = this.acknowledged + records
    const deadline = performance.now() + timeoutMs
    while (this.acknowledged < wanted) {
      if (performance.now() > deadline) {
        const missing = `${wanted - this.acknowledged} of ${records} records`
        throw new Error(`${missing} are not acknowledged after ${timeoutMs} ms; ${this.failures.join('; ')}`)
      }
      await sleep(20)
    }
  }

  /** Ends when each writer's last send is answered, and holds the whole log against what was acknowledged. */
  async finish(): Promise<string[]> {
    await this.quiesce()
    const log = await readAll(this.kafka, this.topic, this.partitions)
    return this.ledger.violations(log)
  }

  /** Begins no more sends, and waits for those under way. */
  async quiesce(): Promise<void> {
    this.#stopped = true
    const late = sleep(settleTimeoutMs, 'late', { ref: false })
    if ((await Promise.race([Promise.all(this.#writers), late])) === 'late') {
      throw new Error(`A send is not answered ${settleTimeoutMs} ms after the last fault`)
    }
  }

  async #write(writer: Writer, partition: number): Promise<void> {
    while (!this.#stopped) {
      const values = this.ledger.next(writer.name, batchRecords)
      try {
        this.ledger.acknowledge(partition, await writer.send(partition, values), values)
      } catch (error) {
        this.failures.push(`${writer.name}: ${error}`)
        break
      }
      await sleep(pauseMs)
    }
    await writer.close()
  }
}

export function kafkaOf(bootstrap: readonly string[]): Kafka {
  return new Kafka({
    clientId: 'faults',
    brokers: [...bootstrap],
    logLevel: process.env.DEBUGK ? logLevel.INFO : logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 50, maxRetryTime: 400, retries: 10_000 },
  })
}

async function kafkaJsWriter(bootstrap: readonly string[], topic: string, name: string): Promise<Writer> {
  const producer = kafkaOf(bootstrap).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  return {
    name: `${name}-kafkajs`,
    async send(partition, values) {
      const [answer] = await producer.send({
        topic,
        messages: values.map((value) => ({ partition, value })),
      })
      return Number(answer!.baseOffset)
    },
    close: () => producer.disconnect(),
  }
}

async function platformaticWriter(
  bootstrap: readonly string[],
  topic: string,
  name: string,
): Promise<Writer> {
  const producer = new Producer({
    clientId: 'faults',
    bootstrapBrokers: [...bootstrap],
    serializers: stringSerializers,
    idempotent: true,
    retries: 10_000,
    retryDelay: 100,
    connectTimeout: 2_000,
    requestTimeout: requestTimeoutMs,
  })
  return {
    name: `${name}-platformatic`,
    async send(partition, values) {
      const { offsets } = await producer.send({
        messages: values.map((value) => ({ topic, partition, value })),
      })
      return Number(offsets![0]!.offset)
    },
    close: () => producer.close(),
  }
}

/** The whole topic, as a new consumer group reads it. */
export async function readAll(kafka: Kafka, topic: string, partitions: number) {
  const ends = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic))
  const wanted = new Map(ends.map(({ partition, high }) => [partition, Number(high)]))
  if (wanted.size !== partitions) throw new Error(`${topic} has ${wanted.size} partitions, not ${partitions}`)
  const records: { partition: number; offset: number; value: string }[] = []
  const next = new Map<number, number>()
  const consumer = kafka.consumer({
    groupId: `reader-${randomBytes(4).toString('hex')}`,
    maxWaitTimeInMs: 200,
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      async eachBatch({ batch }) {
        for (const message of batch.messages) {
          const offset = Number(message.offset)
          records.push({ partition: batch.partition, offset, value: message.value!.toString() })
          next.set(batch.partition, offset + 1)
        }
      },
    })
    const deadline = performance.now() + settleTimeoutMs
    while ([...wanted].some(([partition, end]) => (next.get(partition) ?? 0) < end)) {
      if (performance.now() > deadline) {
        throw new Error(`Read ${JSON.stringify([...next])} of ${JSON.stringify([...wanted])}`)
      }
      await sleep(50)
    }
  } finally {
    await consumer.disconnect()
  }
  return records
}

export async function withAdmin<Result>(
  kafka: Kafka,
  action: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await action(admin)
  } finally {
    await admin.disconnect()
  }
}
