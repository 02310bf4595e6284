import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import {
  type Abilities,
  ClientError,
  type GroupOrder,
  type GroupOutcome,
  type KafkaClient,
  type Placement,
  type ProduceOrder,
  type ReadRecord,
  type SentRecord,
} from './client.ts'

const answerTimeoutMs = 90_000
const errorOutputMaxChars = 8_000

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
}

interface JsonRecord {
  partition: number
  key: string | null
  value: string | null
  headers: [string, string | null][]
  timestamp: number | null
  offset?: number
}

interface Waiting {
  resolve(answer: unknown): void
  reject(error: Error): void
}

/**
 * A client written in another language: a program that gets the bootstrap address as its last argument and then, on
 * each line of its input, `{"op": …}` with the operation's parameters, and answers each with one line `{"result": …}` or
 * `{"error": text, "code": number or null}`. Bytes are in base64. It ends when its input ends.
 */
export class ProgramClient implements KafkaClient {
  readonly name: string
  readonly abilities: Abilities
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: Waiting[] = []
  #errorOutput = ''
  #ended = false

  constructor(name: string, abilities: Abilities, program: Program, bootstrap: string) {
    this.name = name
    this.abilities = abilities
    this.#child = spawn(program.command, [...program.args, bootstrap], {
      cwd: program.cwd,
      env: program.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errorOutput = (this.#errorOutput + chunk.toString()).slice(-errorOutputMaxChars)
    })
    this.#child.stdin.on('error', () => {})
    this.#child.once('error', (error) => this.#end(error.message))
    this.#child.once('exit', (code, signal) => this.#end(`it ended with ${signal ?? code}`))
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answer(line))
  }

  async produce(order: ProduceOrder): Promise<Placement[]> {
    return this.#ask('produce', { ...order, records: order.records.map(toJson) })
  }

  async consume(topic: string, partitions: number, count: number): Promise<ReadRecord[]> {
    const records = await this.#ask<JsonRecord[]>('consume', { topic, partitions, count })
    return records.map(fromJson)
  }

  async group(order: GroupOrder): Promise<GroupOutcome> {
    const more = order.more.map(toJson)
    const outcome = await this.#ask<GroupOutcome & { first: JsonRecord[]; second: JsonRecord[] }>('group', {
      ...order,
      more,
    })
    return { ...outcome, first: outcome.first.map(fromJson), second: outcome.second.map(fromJson) }
  }

  createTopic(topic: string, partitions: number, configs: Readonly<Record<string, string>>): Promise<void> {
    return this.#ask('createTopic', { topic, partitions, configs })
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#ask('deleteTopic', { topic })
  }

  listTopics(): Promise<string[]> {
    return this.#ask('listTopics', {})
  }

  partitionCount(topic: string): Promise<number> {
    return this.#ask('partitionCount', { topic })
  }

  createPartitions(topic: string, total: number): Promise<void> {
    return this.#ask('createPartitions', { topic, total })
  }

  topicConfigs(topic: string): Promise<Record<string, string | null>> {
    return this.#ask('topicConfigs', { topic })
  }

  alterTopicConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    return this.#ask('alterTopicConfigs', { topic, configs })
  }

  offset(topic: string, partition: number, at: 'earliest' | 'latest' | number): Promise<number> {
    return this.#ask('offset', { topic, partition, at })
  }

  async close(): Promise<void> {
    if (this.#ended) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    this.#child.stdin.end()
    await ended
    clearTimeout(timer)
  }

  async #ask<Result>(op: string, parameters: object): Promise<Result> {
    if (this.#ended) throw new Error(`${this.name} has ended; it printed:\n${this.#errorOutput}`)
    const timer = setTimeout(() => {
      this.#end(`no answer to ${op} within ${answerTimeoutMs} ms`)
      this.#child.kill('SIGKILL')
    }, answerTimeoutMs)
    try {
      return await new Promise<Result>((resolve, reject) => {
        this.#waiting.push({ resolve: resolve as (answer: unknown) => void, reject })
        this.#child.stdin.write(`${JSON.stringify({ op, ...parameters })}\n`)
      })
    } finally {
      clearTimeout(timer)
    }
  }

  #answer(line: string): void {
    const waiting = this.#waiting.shift()
    const answer = JSON.parse(line) as { result?: unknown; error?: string; code?: number | null }
    if (answer.error === undefined) waiting?.resolve(answer.result)
    else waiting?.reject(new ClientError(`${this.name}: ${answer.error}`, answer.code ?? null))
  }

  #end(why: string): void {
    this.#ended = true
    const error = new Error(`${this.name}: ${why}; it printed:\n${this.#errorOutput}`)
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}

function toJson(record: SentRecord): JsonRecord {
  return {
    partition: record.partition,
    key: record.key?.toString('base64') ?? null,
    value: record.value?.toString('base64') ?? null,
    headers: record.headers.map(([name, value]) => [name, value?.toString('base64') ?? null]),
    timestamp: record.timestamp,
  }
}

function fromJson(record: JsonRecord): ReadRecord {
  return {
    partition: record.partition,
    offset: record.offset!,
    timestamp: record.timestamp!,
    key: bytes(record.key),
    value: bytes(record.value),
    headers: record.headers.map(([name, value]) => [name, bytes(value)]),
  }
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}
