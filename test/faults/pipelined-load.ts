import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { pythonProgram } from '../conformance/clients/python-program.ts'
import { Ledger } from './ledger.ts'
import { kafkaOf, readAll, withAdmin } from './load.ts'

const topic = 'pipelined'
const name = 'librdkafka'
const partitions = 3

/** A numbered load by librdkafka, which has five requests under way in each connection, as Kafka's own client has. */
export class PipelinedLoad {
  readonly failures: string[] = []
  acknowledged = 0
  sent = 0
  readonly #acknowledgements: [partition: number, offset: number, number: number][] = []
  readonly #kafka: Kafka
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  private constructor(kafka: Kafka, child: ChildProcess) {
    this.#kafka = kafka
    this.#child = child
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', (line) => this.#take(line))
    this.#ended = new Promise((resolve) => lines.once('close', resolve))
  }

  /** Null, with the reason told, where Python is missing. */
  static async start(bootstrap: string): Promise<PipelinedLoad | null> {
    const program = await pythonProgram('../../../faults/pipelined_writer.py')
    if (program === null) return null
    const kafka = kafkaOf([bootstrap])
    await withAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: partitions }] }))
    const args = [...program.args, bootstrap, topic, name, String(partitions)]
    const child = spawn(program.command, args, { cwd: program.cwd, stdio: ['pipe', 'pipe', 'ignore'] })
    return new PipelinedLoad(kafka, child)
  }

  /** Resolves when this many more records are acknowledged. */
  async progress(records: number, timeoutMs = 30_000): Promise<void> {
    const wanted = this.acknowledged + records
    for (const deadline = performance.now() + timeoutMs; this.acknowledged < wanted; await sleep(20)) {
      if (performance.now() > deadline) {
        throw new Error(`${wanted - this.acknowledged} of ${records} records are not acknowledged`)
      }
    }
  }

  /** Ends the load and gives what is wrong with the log. */
  async finish(): Promise<string[]> {
    this.#child.stdin!.end('stop\n')
    await this.#ended
    const ledger = new Ledger()
    const values = ledger.next(name, this.sent)
    for (const [partition, offset, number] of this.#acknowledgements) {
      ledger.acknowledge(partition, offset, [values[number]!])
    }
    return ledger.violations(await readAll(this.#kafka, topic, partitions))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #take(line: string): void {
    const [kind, ...fields] = line.split(' ')
    const [first = 0, second = 0, third = 0] = fields.map(Number)
    if (kind === 'ack') {
      this.#acknowledgements.push([first, second, third])
      this.acknowledged++
    } else if (kind === 'sent') this.sent = first
    else this.failures.push(line)
  }
}
