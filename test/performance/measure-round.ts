import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import type { KafkaTools } from './kafka-tools.ts'
import { treeCpuSeconds } from './process-usage.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const run = promisify(execFile)

export interface Workload {
  readonly batch: 'default' | '128 KiB'
  readonly compression: 'none' | 'lz4'
  readonly partitions: number
  readonly records: number
  readonly recordBytes: number
  readonly throughput: number
  readonly payloadFile: string
}

/** Figures of one round by name; the unit is in the name. */
export type Figures = Readonly<Record<string, number>>

/** Produces a fresh topic and consumes it, and says what that took. */
export async function measureRound(
  system: SystemUnderTest,
  tools: KafkaTools,
  workload: Workload,
): Promise<Figures> {
  const topic = `performance-${randomUUID()}`
  const { bootstrap } = system
  const admin = new Admin({ clientId: 'performance', bootstrapBrokers: [bootstrap] })
  try {
    await admin.createTopics({ topics: [topic], partitions: workload.partitions, replicas: 1 })
    const produced = await measured(system, () =>
      tools.produce({
        bootstrap,
        topic,
        payloadFile: workload.payloadFile,
        records: workload.records,
        warmupRecords: Math.floor(workload.records / 4),
        throughput: workload.throughput,
        settings: {
          acks: 'all',
          'compression.type': workload.compression,
          ...(workload.batch === 'default' ? {} : { 'batch.size': String(128 * 1024) }),
        },
      }),
    )
    const consumed = await measured(system, () =>
      tools.consume({ bootstrap, topic, group: randomUUID(), records: workload.records }),
    )
    await admin.deleteTopics({ topics: [topic] })
    const gib = (workload.records * workload.recordBytes) / 1024 ** 3
    return {
      'produce MiB/s': produced.result.mibPerSecond,
      'produce p50 ms': produced.result.p50Ms,
      'produce p99 ms': produced.result.p99Ms,
      ...cpuFigures('produce', produced, gib),
      'consume MiB/s': consumed.result.mibPerSecond,
      ...cpuFigures('consume', consumed, gib),
    }
  } finally {
    await admin.close()
  }
}

interface Measured<Result> {
  readonly result: Result
  readonly cpuSeconds: ReadonlyMap<string, number>
}

/** Runs with the disk at rest, so that no round pays for what another one left in the page cache to be written. */
async function measured<Result>(
  system: SystemUnderTest,
  work: () => Promise<Result>,
): Promise<Measured<Result>> {
  await run('sync')
  const before = system.parts.map((part) => treeCpuSeconds(part.pid))
  const result = await work()
  const after = system.parts.map((part) => treeCpuSeconds(part.pid))
  return {
    result,
    cpuSeconds: new Map(system.parts.map((part, slot) => [part.name, after[slot]! - before[slot]!])),
  }
}

function cpuFigures(
  phase: string,
  { result, cpuSeconds }: Measured<{ readonly clientCpuSeconds: number }>,
  gib: number,
): Figures {
  const total = [...cpuSeconds.values()].reduce((sum, seconds) => sum + seconds, 0)
  return {
    [`${phase} CPU s/GiB, system`]: total / gib,
    ...Object.fromEntries(
      cpuSeconds.size < 2
        ? []
        : [...cpuSeconds].map(([part, seconds]) => [`${phase} CPU s/GiB, ${part}`, seconds / gib]),
    ),
    [`${phase} CPU s/GiB, client`]: result.clientCpuSeconds / gib,
  }
}
