import { SimulatedClock } from '@streamhouse/platform/simulated/clock'
import { SimulatedPostgres } from '@streamhouse/platform/simulated/database'
import { Faults } from '@streamhouse/platform/simulated/faults'
import { SimulatedNetwork } from '@streamhouse/platform/simulated/network'
import { SimulatedBucket } from '@streamhouse/platform/simulated/object-store'
import { SeededRandom } from '@streamhouse/platform/simulated/random'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { Scheduler } from '@streamhouse/platform/simulated/scheduler'
import { SimulatedTimers } from '@streamhouse/platform/simulated/timers'
import { Cluster } from '../client/cluster.ts'
import { History } from '../history.ts'
import { AgentProcess, kafkaPort } from './agent-process.ts'
import type { LevelOfFaults } from './fault-levels.ts'
import type { MetadataServer } from './metadata-server.ts'
import { startMs } from './virtual-date.ts'

const agentCount = 3

/** What differs between clusters, drawn from the seed. */
export interface ClusterSettings {
  readonly flushBytes: number
  readonly flushIntervalMs: number
  readonly objectsInFlight: number
  readonly compressRuns: boolean
  readonly tailBytes: number
  readonly cacheBytes: number
  readonly groupInitialRebalanceDelayMs: number
}

/** Everything of one run: the agents, what they stand on, and what happened. */
export class World {
  readonly random: SeededRandom
  readonly scheduler = new Scheduler()
  readonly clock = new SimulatedClock(this.scheduler, startMs)
  readonly bucket = new SimulatedBucket()
  readonly history = new History(() => this.scheduler.nowMs)
  readonly log = new RecordingLog()
  /** What went wrong in a way no checker looks for. */
  readonly failures: string[] = []
  readonly networkFaults: Faults
  readonly network: SimulatedNetwork
  readonly postgres: SimulatedPostgres
  readonly settings: ClusterSettings
  readonly agents: readonly AgentProcess[]
  readonly clients: string[] = []
  /** How far the database's clock is ahead. */
  databaseSkewMs = 0
  readonly #level: LevelOfFaults

  constructor(seed: number, level: LevelOfFaults, server: MetadataServer) {
    this.random = new SeededRandom(seed)
    this.#level = level
    const { scheduler, random } = this
    this.networkFaults = new Faults(random.fork('network faults'))
    this.network = new SimulatedNetwork({
      scheduler,
      random: random.fork('network'),
      faults: this.networkFaults,
    })
    this.postgres = new SimulatedPostgres(server.pglite, scheduler)
    this.settings = drawSettings(random.fork('settings'))
    this.agents = Array.from(
      { length: agentCount },
      (_, index) => new AgentProcess(this, index + 1, this.log),
    )
  }

  /** Faults happen at the level of the run, or not at all. */
  setFaults(on: boolean): void {
    this.networkFaults.set(on ? this.#level.network : {})
    for (const agent of this.agents) {
      agent.storeFaults.set(on ? this.#level.store : {})
      agent.databaseFaults.set(on ? this.#level.database : {})
    }
  }

  /** A client of this name, which knows some agents' addresses, or one agent's. */
  client(name: string, agents: readonly AgentProcess[] = this.agents): Cluster {
    this.clients.push(name)
    return new Cluster({
      name,
      network: this.network.host(name),
      timers: new SimulatedTimers(this.scheduler),
      random: this.random.fork(name),
      bootstrap: agents.map((agent) => ({ host: agent.name, port: kafkaPort })),
    })
  }

  faultCounts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const faults of [
      this.networkFaults,
      ...this.agents.flatMap((agent) => [agent.storeFaults, agent.databaseFaults]),
    ]) {
      for (const [name, count] of faults.counts) counts.set(name, (counts.get(name) ?? 0) + count)
    }
    return counts
  }
}

function drawSettings(random: SeededRandom): ClusterSettings {
  const pick = (values: readonly number[]) => values[random.integer(values.length)]!
  return {
    flushBytes: pick([4_096, 16_384]),
    flushIntervalMs: pick([0, 20, 100, 250]),
    objectsInFlight: pick([1, 2, 4, 16]),
    compressRuns: random.integer(2) === 0,
    tailBytes: pick([0, 4_096, 1_048_576]),
    cacheBytes: pick([0, 8_192, 1_048_576]),
    groupInitialRebalanceDelayMs: pick([0, 100, 1_000]),
  }
}
