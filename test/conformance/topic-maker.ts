import { randomBytes } from 'node:crypto'
import { listOffsets } from '@streamhouse/proto/kafka/generated/02-list-offsets'
import { metadata } from '@streamhouse/proto/kafka/generated/03-metadata'
import { createTopics } from '@streamhouse/proto/kafka/generated/19-create-topics'
import { Wire } from './wire.ts'

const readyTimeoutMs = 15_000
const pauseMs = 50
const latest = -1n

/** Makes topics by the protocol itself, so that a client's suite does not depend on its admin part. */
export class TopicMaker {
  readonly #bootstrap: string
  #wire: Promise<Wire> | null = null

  constructor(bootstrap: string) {
    this.#bootstrap = bootstrap
  }

  /** A name that no other test has. */
  name(): string {
    return `topic-${randomBytes(6).toString('hex')}`
  }

  /** Makes a topic and waits until the server tells a leader for each partition. */
  async make(partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    this.#wire ??= Wire.connect(this.#bootstrap)
    const wire = await this.#wire
    const name = this.name()
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }
    const answer = await wire.call(createTopics, 5, { topics: [topic], timeoutMs: readyTimeoutMs })
    const made = answer.topics[0]!
    if (made.errorCode !== 0) throw new Error(`Cannot make ${name}: ${made.errorCode} ${made.errorMessage}`)
    const deadline = Date.now() + readyTimeoutMs
    while (!(await isReady(wire, name, partitions))) {
      if (Date.now() > deadline) throw new Error(`${name} has no leaders after ${readyTimeoutMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    return name
  }

  async serves(apiKey: number): Promise<boolean> {
    this.#wire ??= Wire.connect(this.#bootstrap)
    return (await (await this.#wire).served()).has(apiKey)
  }

  async close(): Promise<void> {
    const wire = await this.#wire
    wire?.close()
  }
}

/**
 * A Kafka broker tells a leader a moment before that leader takes requests, and some clients send again what was stored
 * already when only a part of a request is refused: ListOffsets shows that all partitions are served.
 */
async function isReady(wire: Wire, name: string, partitions: number): Promise<boolean> {
  const told = await wire.call(metadata, 9, { topics: [{ name }], allowAutoTopicCreation: false })
  if (told.topics[0]!.partitions.filter((part) => part.leaderId >= 0).length < partitions) return false
  const wanted = Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: latest,
  }))
  const answer = await wire.call(listOffsets, 5, { replicaId: -1, topics: [{ name, partitions: wanted }] })
  return answer.topics[0]!.partitions.every((part) => part.errorCode === 0)
}
