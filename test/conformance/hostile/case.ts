import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { TopicMaker } from '../topic-maker.ts'
import type { Wire } from '../wire.ts'

/** What a case works with: a connection of its own, and one topic of two partitions with three records in each. */
export interface Scene {
  readonly wire: Wire
  readonly topics: TopicMaker
  readonly topic: string
  readonly topicId: string
}

/** Something that no well-behaved client sends, and the answer to it. */
export interface HostileCase {
  readonly name: string
  /** Sends it and gives what matters of the answer: names of error codes, mostly. */
  ask(scene: Scene): Promise<unknown>
  /** What Apache Kafka 4.3 answers, and StreamHouse too. */
  readonly answer: unknown
  /**
   * What Apache Kafka answers where we do better: it fails inside, or takes what no consumer can read. Null where it
   * does not answer at all.
   */
  readonly kafka?: unknown
}

export const closed = 'connection closed'

const names = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))

export function errorName(code: number): string {
  return names.get(code) ?? String(code)
}

/** The answer, or that the connection was closed instead. */
export async function orClosed(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && error.message.includes('connection was closed')) return closed
    throw error
  }
}
