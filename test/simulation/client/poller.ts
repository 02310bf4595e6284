import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { History } from '../history.ts'
import type { Address, Cluster } from './cluster.ts'
import { NoAnswer } from './connection.ts'
import { type FetchSettings, fetchOnce, nameOf, type Position } from './fetch.ts'

/** Moves a consumer's positions on, and records what it reads. */
export class Poller {
  readonly #consumer: string
  readonly #cluster: Cluster
  readonly #history: History

  constructor(consumer: string, cluster: Cluster, history: History) {
    this.#consumer = consumer
    this.#cluster = cluster
    this.#history = history
  }

  seek(position: Position): void {
    const { offset } = position
    this.#history.add({ type: 'seek', consumer: this.#consumer, partition: nameOf(position), offset })
  }

  /**
   * Polls every position once, each at its leader.
   * @returns those that have to be looked up anew: their topic is unknown, or they are out of range
   */
  async poll(positions: readonly Position[]): Promise<Position[]> {
    const byAddress = new Map<Address, Position[]>()
    for (const position of positions) {
      const topic = this.#cluster.topic(position.topicName)
      const known = topic !== undefined && topic.topicId === position.topicId
      const address = known ? this.#cluster.leaderOf(topic, position.index) : this.#cluster.anyBroker()
      const list = byAddress.get(address) ?? []
      list.push(position)
      byAddress.set(address, list)
    }
    const lost = await Promise.all(
      [...byAddress].map(([address, list]) => this.#pollAt(address, list, this.#settings())),
    )
    return lost.flat()
  }

  async #pollAt(
    address: Address,
    positions: readonly Position[],
    settings: FetchSettings,
  ): Promise<Position[]> {
    const { timers } = this.#cluster
    let troubled = false
    const lost: Position[] = []
    try {
      const fetched = await fetchOnce(this.#cluster, address, positions, settings)
      troubled = fetched.length === 0
      for (const { position, errorCode, highWatermark, records } of fetched) {
        const event = {
          consumer: this.#consumer,
          partition: nameOf(position),
          agent: address.host,
          position: position.offset,
        }
        if (errorCode === ErrorCode.NONE) {
          if (records.length > 0) this.#history.add({ type: 'read', ...event, highWatermark, records })
          const last = records.at(-1)
          if (last !== undefined) position.offset = last.offset + 1n
          continue
        }
        troubled = true
        if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) this.#history.add({ type: 'outOfRange', ...event })
        const unknown =
          errorCode === ErrorCode.UNKNOWN_TOPIC_ID || errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if (unknown || errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) lost.push(position)
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      troubled = true
    }
    if (troubled) {
      await timers.sleep(100)
      await this.#cluster.refresh([...new Set(positions.map(({ topicName }) => topicName))])
    }
    return lost
  }

  #settings(): FetchSettings {
    const { random } = this.#cluster
    return {
      version: 4 + random.integer(15),
      maxWaitMs: 50 + random.integer(450),
      maxBytes: 500 + random.integer(20_000),
      partitionMaxBytes: 200 + random.integer(5_000),
    }
  }
}
