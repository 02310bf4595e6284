// Compares StreamHouse with Apache Kafka on this machine, in one run: see README.md in this folder.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apacheKafkaClassPath } from '../servers/apache-kafka.ts'
import { comparisonTable, memoryTable } from './comparison-tables.ts'
import { startKafka } from './kafka-system.ts'
import { KafkaTools } from './kafka-tools.ts'
import { type Figures, measureRound, type Workload } from './measure-round.ts'
import { MemoryWatch } from './memory-watch.ts'
import { writePayloads } from './payloads.ts'
import { resetPeakResident } from './process-usage.ts'
import { startStreamHouse } from './streamhouse-system.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const partitions = 6
const recordBytes = 1024

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    records: { type: 'string', default: '500000' },
    throughput: { type: 'string', default: '-1' },
    systems: { type: 'string', default: 'kafka,os,sync' },
    batches: { type: 'string', default: 'default,128 KiB' },
    compressions: { type: 'string', default: 'none,lz4' },
    'node-args': { type: 'string', default: '' },
    'agent-args': { type: 'string', default: '' },
  },
})

const rounds = wholeNumber('rounds', 1)
const records = wholeNumber('records', 1_000)
const throughput = wholeNumber('throughput', -1)
const classPath = await apacheKafkaClassPath()
if (classPath !== null) await compare(classPath)

async function compare(classPath: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-performance-'))
  const systems: SystemUnderTest[] = []
  const stop = async () => {
    for (const system of systems) await system.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const start of starters()) {
      const system = await start()
      if (system !== null) systems.push(system)
    }
    const payloadFile = join(folder, 'payloads')
    await writePayloads(payloadFile, recordBytes)
    const watches = new Map(systems.map((system) => [system, new MemoryWatch(system)]))
    const rounds = await measureAll(systems, new KafkaTools(classPath), payloadFile)
    for (const watch of watches.values()) watch.stop()
    for (const [title, figures] of rounds) console.log(`\n${comparisonTable(title, figures)}`)
    console.log(`\n${memoryTable(watches)}`)
  } finally {
    await stop()
  }
}

function starters(): (() => Promise<SystemUnderTest | null>)[] {
  const known: Record<string, () => Promise<SystemUnderTest | null>> = {
    kafka: startKafka,
    os: () => streamHouse('os'),
    sync: () => streamHouse('sync'),
  }
  return list('systems', Object.keys(known)).map((name) => known[name]!)
}

function streamHouse(durability: 'os' | 'sync'): Promise<SystemUnderTest> {
  const words = (text: string) => text.split(' ').filter((word) => word !== '')
  return startStreamHouse({
    name: durability === 'os' ? 'StreamHouse' : 'StreamHouse synced',
    durability,
    nodeArgs: words(options['node-args']),
    agentArgs: words(options['agent-args']),
  })
}

/** Figures by workload and system, one entry for each round. */
async function measureAll(
  systems: readonly SystemUnderTest[],
  tools: KafkaTools,
  payloadFile: string,
): Promise<Map<string, Map<string, Figures[]>>> {
  const measured = new Map<string, Map<string, Figures[]>>()
  console.log(
    `${rounds} rounds of ${records} records of ${recordBytes} bytes, ${partitions} partitions, acks=all, on ${cpus().length}` +
      ` processors. Systems take turns; those not in their turn stay up and idle.`,
  )
  // A JVM and V8 both compile what they find busy: a round that does not count comes first.
  for (const system of systems) {
    await measureRound(system, tools, workloads(payloadFile)[0]!)
    resetPeakResident(system.parts[0]!.pid)
  }
  for (let round = 0; round < rounds; round++) {
    for (const workload of workloads(payloadFile)) {
      const title = `${workload.batch} batches, compression ${workload.compression}`
      const bySystem = measured.get(title) ?? new Map<string, Figures[]>()
      measured.set(title, bySystem)
      // Every second round goes the other way about, so that no system is always the one that follows another.
      for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
        const figures = await measureRound(system, tools, workload)
        bySystem.set(system.name, [...(bySystem.get(system.name) ?? []), figures])
        const rates = ['produce MiB/s', 'consume MiB/s'].map((name) => `${name} ${figures[name]}`)
        console.log(`round ${round + 1}: ${title}: ${system.name}: ${rates.join(', ')}`)
      }
    }
  }
  return measured
}

function workloads(payloadFile: string): Workload[] {
  const compressions = list('compressions', ['none', 'lz4'])
  return list('batches', ['default', '128 KiB']).flatMap((batch) =>
    compressions.map((compression) => ({
      batch,
      compression,
      partitions,
      records,
      recordBytes,
      throughput,
      payloadFile,
    })),
  )
}

function list<Name extends string>(
  option: 'systems' | 'batches' | 'compressions',
  known: readonly Name[],
): Name[] {
  return options[option].split(',').map((name) => {
    const found = known.find((candidate) => candidate === name)
    if (found === undefined) throw new Error(`--${option} knows ${known.join(', ')}, not "${name}"`)
    return found
  })
}

function wholeNumber(option: 'rounds' | 'records' | 'throughput', min: number): number {
  const value = Number(options[option])
  if (!Number.isSafeInteger(value) || value < min) {
    throw new Error(`--${option} is a whole number from ${min}, not "${options[option]}"`)
  }
  return value
}
