import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { skip } from '../../servers/skips.ts'
import {
  allCodecs,
  ClientError,
  type GroupOrder,
  type GroupOutcome,
  type KafkaClient,
  type Placement,
  type ProduceOrder,
  type ReadRecord,
  type SentRecord,
} from '../client.ts'
import { type GroupMember, runGroup } from '../group-session.ts'

const run = promisify(execFile)
const outputMaxBytes = 64 * 1024 * 1024
const runTimeoutMs = 60_000
const messageMaxBytes = 8 * 1024 * 1024
/** Each record: numbers, then key and value, then headers, which may have any bytes, then something no test sends. */
const recordEnd = '=end of record=\n'
const format = `%p\\t%o\\t%T\\t%K\\t%S\\t%k%s\\t%h${recordEnd.replace('\n', '\\n')}`
const common = ['-X', `message.max.bytes=${messageMaxBytes}`, '-X', 'broker.address.family=v4']
/** Codes that librdkafka tells in words only. */
const tooLarge = { words: 'Message size too large', code: 10 }

/** Starts nothing, but finds kcat or installs it when that is possible; null, with the reason told, when not. */
export async function openKcat(bootstrap: string): Promise<KafkaClient | null> {
  try {
    await run('kcat', ['-V'])
  } catch {
    if (process.getuid?.() !== 0) {
      skip('kcat is absent, and only root can install it')
      return null
    }
    try {
      await run('apt-get', ['install', '-y', '-q', 'kcat'], {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    } catch (error) {
      skip(`kcat is absent and cannot be installed: ${error}`)
      return null
    }
  }
  return new KcatClient(bootstrap)
}

class KcatClient implements KafkaClient {
  readonly name = 'kcat'
  readonly abilities = {
    codecs: allCodecs,
    idempotence: true,
    admin: false,
    timestamps: false,
    bytes: false,
    nothing: false,
    headerList: true,
    alterConfigsKey: 44,
  } as const
  readonly #bootstrap: string

  constructor(bootstrap: string) {
    this.#bootstrap = bootstrap
  }

  /** One run sends to one partition: the records of each go together, a line each. */
  async produce(order: ProduceOrder): Promise<Placement[]> {
    const partitions = [...new Set(order.records.map((record) => record.partition))]
    for (const partition of partitions) {
      const records = order.records.filter((record) => record.partition === partition)
      const options = {
        acks: order.acks,
        'enable.idempotence': order.idempotent,
        'linger.ms': 5,
      }
      const settings = Object.entries(options).flatMap(([name, value]) => ['-X', `${name}=${value}`])
      const place = ['-P', '-t', order.topic, '-p', String(partition), '-z', order.codec, '-K', '\t']
      await this.#feed([...place, ...settings], records)
    }
    return order.records.map(() => null)
  }

  async consume(topic: string, partitions: number, count: number): Promise<ReadRecord[]> {
    const place = ['-C', '-q', '-t', topic, '-o', 'beginning', '-c', String(count), '-f', format, '-u']
    const more = partitions === 1 ? ['-p', '0'] : []
    const { stdout } = await run('kcat', ['-b', this.#bootstrap, ...common, ...place, ...more], {
      maxBuffer: outputMaxBytes,
      encoding: 'buffer',
      timeout: runTimeoutMs,
    })
    return [...readRecords(stdout).records]
  }

  group(order: GroupOrder): Promise<GroupOutcome> {
    return runGroup(order, {
      join: async (topic, group) => new KcatMember(this.#bootstrap, topic, group),
      send: (records) =>
        this.produce({ topic: order.topic, codec: 'none', acks: -1, idempotent: false, records }),
      committed: async () => null,
    })
  }

  createTopic = unable
  deleteTopic = unable
  listTopics = unable
  partitionCount = unable
  createPartitions = unable
  topicConfigs = unable
  alterTopicConfigs = unable
  offset = unable

  async close(): Promise<void> {}

  async #feed(args: readonly string[], records: readonly SentRecord[]): Promise<void> {
    const child = spawn('kcat', ['-b', this.#bootstrap, ...common, ...args], {
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), runTimeoutMs)
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.stdin.on('error', () => {})
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.stdin.end(records.map((record) => `${record.key}\t${record.value}\n`).join(''))
    const code = await ended
    clearTimeout(timer)
    // It says that a record was refused, and ends well.
    if (code === 0 && !errors.includes('Delivery failed')) return
    throw new ClientError(`kcat: ${errors}`, errors.includes(tooLarge.words) ? tooLarge.code : null)
  }
}

async function unable(): Promise<never> {
  throw new Error('kcat has no admin operations')
}

/** A kcat that reads as a member of a group, and commits when it is told to end. */
class KcatMember implements GroupMember {
  readonly records: ReadRecord[] = []
  readonly #child: ChildProcess
  #unread: Buffer = Buffer.alloc(0)
  #assigned: number[] = []

  constructor(bootstrap: string, topic: string, group: string) {
    const settings = ['session.timeout.ms=10000', 'heartbeat.interval.ms=500', 'auto.offset.reset=earliest']
    const options = ['auto.commit.interval.ms=100', ...settings].flatMap((setting) => ['-X', setting])
    const args = [
      '-b',
      bootstrap,
      '-X',
      'broker.address.family=v4',
      ...options,
      '-u',
      '-f',
      format,
      '-G',
      group,
      topic,
    ]
    this.#child = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      const { records, rest } = readRecords(Buffer.concat([this.#unread, chunk]))
      this.records.push(...records)
      this.#unread = rest
    })
    let errors = ''
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
      const last = errors.split('\n').findLast((line) => line.includes('rebalanced'))
      const taken = last?.includes('assigned:') ? [...last.matchAll(/\[(\d+)\]/g)] : []
      this.#assigned = taken.map((match) => Number(match[1])).sort((a, b) => a - b)
    })
  }

  assigned(): number[] {
    return this.#assigned
  }

  /** It commits by itself, every 100 ms. */
  async commit(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 400))
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.kill('SIGINT')
    await ended
  }
}

/** Reads what `format` wrote; what is not whole yet is the rest. */
function readRecords(output: Buffer): { records: ReadRecord[]; rest: Buffer } {
  const records: ReadRecord[] = []
  let at = 0
  for (;;) {
    const numbers: number[] = []
    let start = at
    for (let tab = output.indexOf(9, start); numbers.length < 5 && tab >= 0; tab = output.indexOf(9, start)) {
      numbers.push(Number(output.toString('latin1', start, tab)))
      start = tab + 1
    }
    const [partition, offset, timestamp, keyBytes, valueBytes] = numbers
    if (valueBytes === undefined) break
    const keyEnd = start + Math.max(keyBytes!, 0)
    const valueEnd = keyEnd + Math.max(valueBytes, 0)
    const end = output.indexOf(recordEnd, valueEnd)
    if (end < 0) break
    const headers = output
      .toString('utf8', valueEnd + 1, end)
      .split(',')
      .filter(Boolean)
    records.push({
      partition: partition!,
      offset: offset!,
      timestamp: timestamp!,
      key: keyBytes! < 0 ? null : output.subarray(start, keyEnd),
      value: valueBytes < 0 ? null : output.subarray(keyEnd, valueEnd),
      headers: headers.map((header) => {
        const equals = header.indexOf('=')
        return [header.slice(0, equals), Buffer.from(header.slice(equals + 1))]
      }),
    })
    at = end + recordEnd.length
  }
  return { records, rest: output.subarray(at) }
}
