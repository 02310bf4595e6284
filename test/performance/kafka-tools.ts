import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { endedChildrenCpuSeconds } from './process-usage.ts'

const run = promisify(execFile)
const runTimeoutMs = 600_000
/** As kafka-producer-perf-test.sh and kafka-consumer-perf-test.sh set it. */
const heap = '-Xmx512M'

export interface ProduceRun {
  readonly bootstrap: string
  readonly topic: string
  readonly payloadFile: string
  readonly records: number
  /** Part of the records sent before the figures begin, while the client's JVM compiles itself. */
  readonly warmupRecords: number
  /** Records per second at most; -1 sends as fast as it can. */
  readonly throughput: number
  /** Producer settings by Kafka's names. */
  readonly settings: Readonly<Record<string, string>>
}

export interface ProduceFigures {
  readonly mibPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly clientCpuSeconds: number
}

export interface ConsumeRun {
  readonly bootstrap: string
  readonly topic: string
  readonly group: string
  readonly records: number
}

export interface ConsumeFigures {
  /** Without the time the group took to form. */
  readonly mibPerSecond: number
  readonly clientCpuSeconds: number
}

/** Kafka's own load generators, each run in a JVM of its own; one at a time, or their processor time mixes. */
export class KafkaTools {
  readonly #classPath: string

  constructor(classPath: string) {
    this.#classPath = classPath
  }

  /** Runs ProducerPerformance. */
  async produce(options: ProduceRun): Promise<ProduceFigures> {
    const { output, cpuSeconds } = await this.#run('org.apache.kafka.tools.ProducerPerformance', [
      ...['--bootstrap-server', options.bootstrap, '--topic', options.topic],
      ...['--num-records', String(options.records), '--warmup-records', String(options.warmupRecords)],
      ...['--throughput', String(options.throughput), '--payload-file', options.payloadFile],
      '--command-property',
      ...Object.entries(options.settings).map(([name, value]) => `${name}=${value}`),
    ])
    // With a warm-up the last summary is that of the records after it.
    const summary = /\(([\d.]+) MB\/sec\).* (\d+) ms 50th,.* (\d+) ms 99th/
    const found = output
      .split('\n')
      .map((line) => summary.exec(line))
      .findLast((match) => match !== null)
    if (found === undefined || found === null)
      throw new Error(`ProducerPerformance printed no summary:\n${output}`)
    const [, mibPerSecond, p50Ms, p99Ms] = found.map(Number)
    return { mibPerSecond: mibPerSecond!, p50Ms: p50Ms!, p99Ms: p99Ms!, clientCpuSeconds: cpuSeconds }
  }

  /** Runs ConsumerPerformance from the beginning of the topic. */
  async consume(options: ConsumeRun): Promise<ConsumeFigures> {
    const { output, cpuSeconds } = await this.#run('org.apache.kafka.tools.ConsumerPerformance', [
      ...['--bootstrap-server', options.bootstrap, '--topic', options.topic, '--group', options.group],
      ...['--num-records', String(options.records), '--timeout', '60000'],
    ])
    const lines = output.split('\n').map((line) => line.split(',').map((field) => field.trim()))
    const header = lines.findIndex((fields) => fields.includes('fetch.MB.sec'))
    const value = (name: string) => Number(lines[header + 1]?.[lines[header]!.indexOf(name)])
    if (header < 0 || !(value('data.consumed.in.nMsg') >= options.records)) {
      throw new Error(`ConsumerPerformance did not read ${options.records} records:\n${output}`)
    }
    return { mibPerSecond: value('fetch.MB.sec'), clientCpuSeconds: cpuSeconds }
  }

  async #run(tool: string, args: readonly string[]): Promise<{ output: string; cpuSeconds: number }> {
    const before = endedChildrenCpuSeconds()
    const { stdout, stderr } = await run('java', [heap, '-cp', this.#classPath, tool, ...args], {
      timeout: runTimeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    })
    return { output: `${stdout}\n${stderr}`, cpuSeconds: endedChildrenCpuSeconds() - before }
  }
}
