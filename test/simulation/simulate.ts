import { SimulationError } from '@streamhouse/platform/simulated/scheduler'
import { checkers } from './checkers/all.ts'
import type { FinalLog, Violation } from './checkers/checker.ts'
import { checkMetadata, readMetadata } from './checkers/metadata.ts'
import { GroupMember } from './client/group-member.ts'
import { NotHealed, readEverything } from './final-read.ts'
import type { HistoryEvent, Recorded } from './history.ts'
import { lastingTopics, Workload } from './workload.ts'
import { type FaultLevel, levels } from './world/fault-levels.ts'
import type { MetadataServer } from './world/metadata-server.ts'
import { Nemesis } from './world/nemesis.ts'
import { type PlantedBug, plantBug } from './world/planted-bug.ts'
import { World } from './world/world.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly operations: number
  readonly faults: FaultLevel
  /** A mistake that the checkers should find; none when absent. */
  readonly bug?: PlantedBug
}

export interface SimulationResult extends SimulationOptions {
  readonly batchesSent: number
  readonly batchesAcknowledged: number
  readonly commitsAcknowledged: number
  readonly recordsRead: number
  readonly faultCounts: ReadonlyMap<string, number>
  readonly virtualMs: number
  /** Equal for equal seeds. */
  readonly hash: string
  readonly violations: readonly Violation[]
  readonly history: readonly Recorded[]
}

const healWithinMs = 60_000
/** An agent tries a commit for 20 s, also after its client has given up. */
const commitsEndWithinMs = 25_000
const maxVirtualMs = 30 * 60_000
const maxEvents = 20_000_000

/** Runs one seed: agents, clients and faults; then heals all, reads all, and checks. */
export async function simulate(
  options: SimulationOptions,
  server: MetadataServer,
): Promise<SimulationResult> {
  await server.reset()
  if (options.bug !== undefined) await plantBug(server, options.bug)
  const world = new World(options.seed, levels[options.faults], server)
  const nemesis = new Nemesis(world, levels[options.faults])
  const violations: Violation[] = []
  const onRejection = (error: unknown) => violations.push(asViolation(error))
  process.on('unhandledRejection', onRejection)
  try {
    server.date.nowMs = () => world.clock.nowMs() + world.databaseSkewMs
    const limits = { maxMs: maxVirtualMs, maxEvents }
    const logs = await world.scheduler.run(() => play(world, nemesis, options.operations), limits)
    violations.push(...(await judge(world, server, logs)))
  } catch (error) {
    violations.push(asViolation(error))
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  for (const agent of world.agents) agent.kill()
  const events = world.history.events
  return {
    ...options,
    ...countEvents(events),
    faultCounts: new Map([...world.faultCounts(), ...nemesis.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    virtualMs: Math.round(world.scheduler.nowMs),
    hash: `${world.history.hash()}-${world.scheduler.happened}`,
    violations,
    history: world.history.recorded,
  }
}

async function play(world: World, nemesis: Nemesis, operations: number): Promise<FinalLog[]> {
  for (const agent of world.agents) agent.start()
  await untilServing(world)
  const workload = new Workload(world, operations)
  await workload.prepare()
  world.setFaults(true)
  nemesis.start()
  await workload.run()
  nemesis.stop()
  await heal(world)
  await workload.settle()
  await world.scheduler.sleep(commitsEndWithinMs)
  await readGroups(world)
  return readEverything(world)
}

async function heal(world: World): Promise<void> {
  world.history.note('Everything is healed')
  world.setFaults(false)
  for (const agent of world.agents) {
    agent.skewClock(0)
    for (const client of world.clients) world.network.heal(agent.name, client)
    agent.start()
  }
  await untilServing(world)
}

/** Those that the nemesis has told to stop come back by themselves. */
async function untilServing(world: World): Promise<void> {
  const endMs = world.scheduler.nowMs + healWithinMs
  while (!world.agents.every((agent) => agent.serving)) {
    if (world.scheduler.nowMs > endMs) throw new NotHealed('Not every agent is in service after healing')
    await world.scheduler.sleep(50)
  }
}

/** Looks every group's offsets up once more. */
async function readGroups(world: World): Promise<void> {
  for (const group of ['group-1', 'group-2']) {
    const cluster = world.client(`final reader of ${group}`)
    const topics = lastingTopics.map(({ name }) => name)
    const timing = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 4_000 }
    const member = new GroupMember({ cluster, history: world.history, group, topics, ...timing })
    const endMs = world.scheduler.nowMs + healWithinMs
    for (;;) {
      await cluster.refresh(topics)
      const partitions = topics.flatMap((topicName) => {
        const topic = cluster.topic(topicName)
        return (topic?.leaders ?? []).map((_, index) => ({ topicName, topicId: topic!.topicId, index }))
      })
      if (partitions.length > 0 && (await member.committed(partitions)) !== null) break
      if (world.scheduler.nowMs > endMs) throw new NotHealed(`Nobody tells the offsets of ${group}`)
      await world.scheduler.sleep(200)
    }
    await cluster.close()
  }
}

async function judge(world: World, server: MetadataServer, logs: readonly FinalLog[]): Promise<Violation[]> {
  const events = world.history.events
  const deleting = new Set(events.flatMap((event) => (event.type === 'deleting' ? event.topicId : [])))
  const finalLogs = logs.filter(({ partition }) => !deleting.has(partition.split('/')[0]!))
  const violations = checkers.flatMap((check) => check({ events, finalLogs }))
  await server.pglite.exec('RESET ROLE')
  const rows = await readMetadata(async <Row>(text: string) => readRows<Row>(server, text))
  const objects = new Map([...world.bucket.objects].map(([key, { bytes }]) => [key, bytes]))
  violations.push(...checkMetadata(rows, objects))
  for (const message of world.failures) violations.push({ checker: 'agents', message, about: [] })
  for (const { level, message, fields } of world.log.records) {
    if (level !== 'error' || !message.includes('should not occur')) continue
    const { error, ...rest } = fields
    const text = `${message}: ${JSON.stringify(rest)} ${error instanceof Error ? error.stack : String(error)}`
    violations.push({ checker: 'agents', message: text, about: [] })
  }
  return violations
}

/** A run that cannot go on is one that found something: a standstill, or a mistake of an agent or a client. */
function asViolation(error: unknown): Violation {
  const expected = error instanceof SimulationError || error instanceof NotHealed
  if (expected) return { checker: 'liveness', message: error.message, about: [] }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { checker: 'crash', message, about: [] }
}

/** int8 arrives as bigint, small as it is. */
async function readRows<Row>(server: MetadataServer, text: string): Promise<Row[]> {
  const parsers = { 20: (value: string) => BigInt(value) }
  return (await server.pglite.query<Row>(text, [], { parsers })).rows
}

function countEvents(events: readonly HistoryEvent[]) {
  let batchesSent = 0
  let batchesAcknowledged = 0
  let commitsAcknowledged = 0
  let recordsRead = 0
  for (const event of events) {
    if (event.type === 'sent') batchesSent++
    if (event.type === 'settled' && event.fate === 'done') batchesAcknowledged++
    if (event.type === 'committed' && event.fate === 'done') commitsAcknowledged++
    if (event.type === 'read') recordsRead += event.records.length
  }
  return { batchesSent, batchesAcknowledged, commitsAcknowledged, recordsRead }
}
