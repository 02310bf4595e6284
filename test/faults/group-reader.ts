import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, Kafka } from 'kafkajs'

const progressTimeoutMs = 60_000

/**
 * A stock consumer of a group that commits behind each batch. It notes where it goes on after each return to the group:
 * neither behind an offset it has not read, nor before one whose commit was acknowledged.
 */
export class GroupReader {
  readonly group = `readers-${randomBytes(4).toString('hex')}`
  readonly #problems: string[] = []
  readonly #consumer: Consumer
  /** Of each partition, the offset behind the last record that was read. */
  readonly #read = new Map<number, number>()
  readonly #committed = new Map<number, number>()
  #count = 0

  private constructor(kafka: Kafka) {
    this.#consumer = kafka.consumer({
      groupId: this.group,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
      maxWaitTimeInMs: 200,
    })
  }

  static async start(kafka: Kafka, topic: string): Promise<GroupReader> {
    const reader = new GroupReader(kafka)
    const consumer = reader.#consumer
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      async eachBatch({ batch }) {
        const { partition } = batch
        for (const message of batch.messages) reader.#take(partition, Number(message.offset))
        const offset = String(Number(batch.lastOffset()) + 1)
        await consumer.commitOffsets([{ topic, partition, offset }])
        reader.#committed.set(partition, Number(offset))
      },
    })
    return reader
  }

  /** Resolves when so many more records were read. */
  async progress(records: number): Promise<void> {
    const wanted = this.#count + records
    for (const deadline = performance.now() + progressTimeoutMs; this.#count < wanted; await sleep(50)) {
      if (performance.now() > deadline) {
        throw new Error(
          `${wanted - this.#count} of ${records} records are not read after ${progressTimeoutMs} ms`,
        )
      }
    }
  }

  /** Gives what was wrong. */
  async stop(): Promise<string[]> {
    await this.#consumer.disconnect()
    return this.#problems
  }

  #take(partition: number, offset: number): void {
    const next = this.#read.get(partition) ?? 0
    const committed = this.#committed.get(partition) ?? 0
    if (offset > next) this.#problems.push(`${partition}@${offset} came after ${partition}@${next - 1}`)
    if (offset < committed)
      this.#problems.push(`${partition}@${offset} came again, ${committed} was committed`)
    this.#read.set(partition, offset + 1)
    this.#count++
  }
}
