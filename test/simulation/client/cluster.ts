import type { Network } from '@streamhouse/platform/network'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { ZERO_UUID } from '@streamhouse/proto/kafka/codec/uuid'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { metadata } from '@streamhouse/proto/kafka/generated/03-metadata'
import { findCoordinator } from '@streamhouse/proto/kafka/generated/10-find-coordinator'
import { BrokerConnection, type ClientCodec, NoAnswer } from './connection.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface KnownTopic {
  readonly name: string
  readonly topicId: string
  /** Leader of each partition, -1 when there is none. */
  readonly leaders: readonly number[]
}

export interface ClusterOptions {
  readonly name: string
  readonly network: Network
  readonly timers: Timers
  readonly random: Random
  readonly bootstrap: readonly Address[]
}

export const requestTimeoutMs = 5_000

/** A client's view of the cluster, and its connections: one per broker. */
export class Cluster {
  readonly name: string
  readonly random: Random
  readonly timers: Timers
  readonly #options: ClusterOptions
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  readonly #topics = new Map<string, KnownTopic>()
  #brokers = new Map<number, Address>()

  constructor(options: ClusterOptions) {
    this.#options = options
    this.name = options.name
    this.random = options.random
    this.timers = options.timers
  }

  topic(name: string): KnownTopic | undefined {
    return this.#topics.get(name)
  }

  brokerOf(nodeId: number): Address | undefined {
    return this.#brokers.get(nodeId)
  }

  /** The leader's address; another broker's when none is known, for any takes the request. */
  leaderOf(topic: KnownTopic, partition: number): Address {
    return this.#brokers.get(topic.leaders[partition] ?? -1) ?? this.anyBroker()
  }

  anyBroker(): Address {
    const { bootstrap } = this.#options
    return bootstrap[this.random.integer(bootstrap.length)]!
  }

  /** @throws NoAnswer */
  async call<RequestInput, Response>(
    address: Address,
    codec: ClientCodec<RequestInput, Response>,
    version: number,
    request: RequestInput,
    timeoutMs = requestTimeoutMs,
  ): Promise<Response> {
    const connection = await this.#connectionTo(address)
    return connection.call(codec, version, request, timeoutMs)
  }

  /** Asks for topics by name; the answer replaces what was known. False when it did not come. */
  async refresh(names: readonly string[]): Promise<boolean> {
    const request = {
      topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
      allowAutoTopicCreation: false,
    }
    try {
      const answer = await this.call(this.anyBroker(), metadata, 12, request)
      if (answer.brokers.length > 0) {
        this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
      }
      for (const topic of answer.topics) {
        const name = topic.name!
        if (topic.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) this.#topics.delete(name)
        if (topic.errorCode !== ErrorCode.NONE) continue
        const leaders: number[] = []
        for (const { partitionIndex, leaderId } of topic.partitions) leaders[partitionIndex] = leaderId
        this.#topics.set(name, { name, topicId: topic.topicId, leaders })
      }
      return true
    } catch (error) {
      if (error instanceof NoAnswer) return false
      throw error
    }
  }

  /** The names of all topics. @throws NoAnswer */
  async topicNames(): Promise<string[]> {
    const answer = await this.call(this.anyBroker(), metadata, 12, { topics: null })
    return answer.topics.map(({ name }) => name!)
  }

  /** The coordinator of a group; null when nobody says. */
  async coordinatorOf(group: string): Promise<Address | null> {
    try {
      const request = { keyType: 0, coordinatorKeys: [group] }
      const { coordinators } = await this.call(this.anyBroker(), findCoordinator, 4, request)
      const found = coordinators[0]!
      return found.errorCode === ErrorCode.NONE ? { host: found.host, port: found.port } : null
    } catch (error) {
      if (error instanceof NoAnswer) return null
      throw error
    }
  }

  async close(): Promise<void> {
    const connections = await Promise.allSettled(this.#connections.values())
    for (const settled of connections) if (settled.status === 'fulfilled') settled.value.close()
  }

  async #connectionTo(address: Address): Promise<BrokerConnection> {
    const key = `${address.host}:${address.port}`
    const known = this.#connections.get(key)
    if (known !== undefined) {
      const connection = await known.catch(() => null)
      if (connection !== null && !connection.closed) return connection
      if (this.#connections.get(key) === known) this.#connections.delete(key)
      return this.#connectionTo(address)
    }
    const { network, timers, name } = this.#options
    const dialled = BrokerConnection.dial(network, timers, name, address)
    this.#connections.set(key, dialled)
    dialled.catch(() => {
      if (this.#connections.get(key) === dialled) this.#connections.delete(key)
    })
    return dialled
  }
}
