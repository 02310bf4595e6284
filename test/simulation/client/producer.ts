import { buildBatch } from '@streamhouse/proto/kafka/codec/records'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { type ProduceResponse, produce } from '@streamhouse/proto/kafka/generated/00-produce'
import { initProducerId } from '@streamhouse/proto/kafka/generated/22-init-producer-id'
import type { Fate, History } from '../history.ts'
import { type Address, type Cluster, type KnownTopic, requestTimeoutMs } from './cluster.ts'
import { NoAnswer } from './connection.ts'
import { type Batch, ProducerPartition } from './producer-partition.ts'
import { encodeValue } from './values.ts'

export interface ProducerOptions {
  readonly cluster: Cluster
  readonly history: History
  readonly clock: { nowMs(): number }
  readonly idempotent: boolean
  /** Requests of a partition under way at once; Kafka's default is 5. */
  readonly inFlightMax: number
  readonly deliveryTimeoutMs: number
  readonly compression: 'none' | 'gzip' | 'lz4'
}

/** Codes after which nothing was appended, and trying again can help. */
const refusals: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.LEADER_NOT_AVAILABLE,
])
/** Codes after which it may have been appended. */
const doubts: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
])
/** The topic was deleted, or this agent has not heard of it yet; the client cannot know. */
const unknownTopic: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
])
const retryBackoffMs = 100

type Outcome =
  | { readonly kind: 'answer'; readonly code: number; readonly baseOffset: bigint }
  | { readonly kind: 'none'; readonly sent: boolean }

/** A producer that retries as Kafka's Java client does. */
export class Producer {
  readonly name: string
  readonly #options: ProducerOptions
  readonly #partitions = new Map<string, ProducerPartition>()
  #identity: { readonly id: bigint; epoch: number } | null = null
  #count = 0
  #idleWaiters: (() => void)[] = []

  constructor(options: ProducerOptions) {
    this.#options = options
    this.name = options.cluster.name
  }

  /** Resolves once there is a producer id. */
  async start(): Promise<void> {
    const { cluster, idempotent } = this.#options
    while (idempotent && this.#identity === null) {
      try {
        const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
        const answer = await cluster.call(cluster.anyBroker(), initProducerId, 4, request)
        if (answer.errorCode === ErrorCode.NONE) {
          this.#identity = { id: answer.producerId, epoch: answer.producerEpoch }
        }
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
      }
      if (this.#identity === null) await cluster.timers.sleep(retryBackoffMs)
    }
  }

  /** Sends records as one batch; returns at once. */
  send(topic: KnownTopic, index: number, count: number): void {
    const { history, clock, deliveryTimeoutMs } = this.#options
    const key = `${topic.topicId}/${index}`
    let partition = this.#partitions.get(key)
    if (partition === undefined) {
      partition = new ProducerPartition(topic.name, topic.topicId, index, this.#identity?.epoch ?? -1)
      this.#partitions.set(key, partition)
    }
    const nowMs = clock.nowMs()
    partition.waiting.push({
      id: history.id('batch'),
      values: Array.from({ length: count }, () => `${this.name}.${this.#count++}`),
      timestampMs: nowMs,
      deadlineMs: nowMs + deliveryTimeoutMs,
      sequence: null,
      attempts: 0,
      inDoubt: false,
      sentAsFirst: false,
    })
    this.#drain()
  }

  get unsettled(): number {
    let count = 0
    for (const partition of this.#partitions.values()) count += partition.unsettled
    return count
  }

  /** Resolves when the fate of every record is known, or known to be unknown. */
  async flush(): Promise<void> {
    while (this.unsettled > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  /** Sends what may be sent: a request for each leader, with one batch of each partition at most. */
  #drain(): void {
    for (;;) {
      const requests = new Map<Address, { partition: ProducerPartition; batch: Batch }[]>()
      for (const partition of this.#partitions.values()) {
        this.#expire(partition)
        this.#startEpoch(partition)
        const batch = partition.ready(this.#options.clock.nowMs(), this.#options.inFlightMax)
        if (batch === null) continue
        const address = this.#leaderOf(partition)
        const list = requests.get(address) ?? []
        list.push({ partition, batch })
        requests.set(address, list)
      }
      if (requests.size === 0) break
      for (const [address, parts] of requests) void this.#request(address, parts)
    }
    if (this.unsettled === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  #leaderOf(partition: ProducerPartition): Address {
    const { cluster } = this.#options
    const topic = cluster.topic(partition.topicName)
    if (topic === undefined || topic.topicId !== partition.topicId) return cluster.anyBroker()
    return cluster.leaderOf(topic, partition.index)
  }

  /** Gives up what waited too long. */
  #expire(partition: ProducerPartition): void {
    const nowMs = this.#options.clock.nowMs()
    for (const batch of [...partition.waiting]) {
      if (nowMs >= batch.deadlineMs) this.#giveUp(partition, batch)
    }
  }

  #giveUp(partition: ProducerPartition, batch: Batch): void {
    if (batch.sequence !== null) partition.gap = true
    this.#settle(partition, batch, batch.inDoubt ? 'unknown' : 'refused', -1n)
  }

  /**
   * Leads over a gap once nothing is under way: the epoch grows, what was refused for certain gets new sequences, and what is
   * in doubt is given up, for under a new epoch it could be appended twice. Other partitions take the new epoch when all
   * their batches are settled.
   */
  #startEpoch(partition: ProducerPartition): void {
    const identity = this.#identity
    if (identity === null || partition.sent.length > 0) return
    if (partition.gap) {
      for (const batch of [...partition.waiting]) if (batch.inDoubt) this.#giveUp(partition, batch)
      if (partition.epoch === identity.epoch) identity.epoch++
    } else if (
      partition.epoch === identity.epoch ||
      partition.waiting.some((batch) => batch.sequence !== null)
    ) {
      return
    }
    partition.gap = false
    partition.epoch = identity.epoch
    partition.nextSequence = 0
    partition.attempted.clear()
    for (const batch of partition.waiting) batch.sequence = null
  }

  async #request(
    address: Address,
    parts: readonly { partition: ProducerPartition; batch: Batch }[],
  ): Promise<void> {
    const { cluster } = this.#options
    const topics = new Map<string, { name: string; topicId: string; partitionData: object[] }>()
    for (const { partition, batch } of parts) {
      const { topicName: name, topicId } = partition
      const topic = topics.get(topicId) ?? { name, topicId, partitionData: [] }
      topic.partitionData.push({ index: partition.index, records: this.#encode(partition, batch) })
      topics.set(topicId, topic)
    }
    const request = { acks: -1, timeoutMs: requestTimeoutMs, topicData: [...topics.values()] }
    let answer: ProduceResponse | null = null
    let sent = true
    try {
      answer = await cluster.call(
        address,
        produce,
        13,
        request as Parameters<typeof produce.encodeRequest>[1],
      )
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      sent = error.sent
    }
    for (const { partition, batch } of parts)
      this.#settleAttempt(partition, batch, outcomeOf(answer, partition, sent))
    this.#drain()
  }

  #encode(partition: ProducerPartition, batch: Batch): Buffer {
    const { history, idempotent, compression } = this.#options
    if (idempotent && batch.sequence === null) {
      batch.sequence = partition.nextSequence
      partition.nextSequence += batch.values.length
    }
    if (batch.attempts === 0) {
      const { id, values: records } = batch
      const { name: producer } = this
      history.add({ type: 'sent', producer, idempotent, batch: id, partition: partition.name, records })
    }
    partition.take(batch)
    const timestamp = BigInt(batch.timestampMs)
    return buildBatch({
      records: batch.values.map((value) => ({ timestamp, value: encodeValue(value) })),
      compression,
      ...(idempotent
        ? {
            producerId: this.#identity!.id,
            producerEpoch: partition.epoch,
            baseSequence: batch.sequence!,
          }
        : {}),
    })
  }

  #settleAttempt(partition: ProducerPartition, batch: Batch, outcome: Outcome): void {
    if (outcome.kind === 'none') {
      batch.inDoubt ||= outcome.sent
      this.#retry(partition, batch)
      return
    }
    const { code, baseOffset } = outcome
    if (code === ErrorCode.NONE) {
      this.#settle(partition, batch, 'done', baseOffset)
    } else if (refusals.has(code)) this.#retry(partition, batch)
    else if (doubts.has(code)) {
      batch.inDoubt = true
      this.#retry(partition, batch)
    } else if (code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) this.#outOfOrder(partition, batch)
    else if (unknownTopic.has(code)) this.#retry(partition, batch)
    else {
      this.#complain(partition, `${batch.id} with sequence ${batch.sequence} was refused with error ${code}`)
      this.#giveUp(partition, batch)
    }
  }

  /**
   * Fine while something before it is unsettled. A batch in doubt that came too late to be known as a duplicate is given up,
   * as it would be after its delivery timeout. Otherwise the broker lost what it knew of this producer.
   */
  #outOfOrder(partition: ProducerPartition, batch: Batch): void {
    if (batch.inDoubt && partition.mayBeForgotten(batch)) {
      this.#giveUp(partition, batch)
      return
    }
    if (batch.sentAsFirst && !partition.gap) {
      const what = `sequence ${batch.sequence} of epoch ${partition.epoch} (${batch.id})`
      this.#complain(partition, `${what} is out of order, though all before it are settled`)
      partition.gap = true
    }
    this.#retry(partition, batch)
  }

  #complain(partition: ProducerPartition, message: string): void {
    this.#options.history.add({ type: 'complaint', producer: this.name, partition: partition.name, message })
  }

  #retry(partition: ProducerPartition, batch: Batch): void {
    const { cluster, clock } = this.#options
    partition.putBack(batch)
    partition.pausedUntilMs = clock.nowMs() + retryBackoffMs
    cluster.timers.after(retryBackoffMs, async () => {
      await cluster.refresh([partition.topicName])
      this.#drain()
    })
  }

  #settle(partition: ProducerPartition, batch: Batch, fate: Fate, baseOffset: bigint): void {
    partition.settle(batch)
    if (batch.attempts === 0) return
    const { id } = batch
    const { name: producer } = this
    this.#options.history.add({
      type: 'settled',
      producer,
      batch: id,
      partition: partition.name,
      fate,
      baseOffset,
    })
  }
}

function outcomeOf(answer: ProduceResponse | null, partition: ProducerPartition, sent: boolean): Outcome {
  if (answer === null) return { kind: 'none', sent }
  const topic = answer.responses.find(({ topicId }) => topicId === partition.topicId)
  const found = topic?.partitionResponses.find(({ index }) => index === partition.index)
  if (found === undefined) return { kind: 'answer', code: ErrorCode.UNKNOWN_SERVER_ERROR, baseOffset: -1n }
  return { kind: 'answer', code: found.errorCode, baseOffset: found.baseOffset }
}
