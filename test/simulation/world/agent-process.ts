import { type Agent, startAgent } from '@streamhouse/agent/run'
import type { Log } from '@streamhouse/platform/log'
import { SimulatedClock } from '@streamhouse/platform/simulated/clock'
import { SimulatedDatabase } from '@streamhouse/platform/simulated/database'
import { Faults } from '@streamhouse/platform/simulated/faults'
import { SimulatedObjectStore } from '@streamhouse/platform/simulated/object-store'
import type { SeededRandom } from '@streamhouse/platform/simulated/random'
import { SimulatedTimers } from '@streamhouse/platform/simulated/timers'
import { tenant } from './metadata-server.ts'
import { startMs } from './virtual-date.ts'
import type { World } from './world.ts'

export const kafkaPort = 9092
const restartAfterFailureMs = 500
const stopWithinMs = 60_000

const mebibyte = 1024 * 1024

/** One life of the process: what it holds is gone with it. */
interface Life {
  readonly timers: SimulatedTimers
  readonly clock: SimulatedClock
  readonly database: SimulatedDatabase
  readonly store: SimulatedObjectStore
  agent: Agent | null
}

/** A machine that runs an agent, and starts it again when it fails. */
export class AgentProcess {
  readonly name: string
  readonly storeFaults: Faults
  readonly databaseFaults: Faults
  readonly #world: World
  readonly #random: SeededRandom
  readonly #nodeId: number
  readonly #log: Log
  #life: Life | null = null
  #lives = 0
  #skewMs = 0

  constructor(world: World, number: number, log: Log) {
    this.name = `agent-${number}`
    this.#world = world
    this.#random = world.random.fork(this.name)
    this.#nodeId = world.random.fork('node ids').integer(4) === 0 ? -1 : number
    this.#log = log.child({ agent: this.name })
    this.storeFaults = new Faults(this.#random.fork('store'))
    this.databaseFaults = new Faults(this.#random.fork('database'))
  }

  /** Whether it takes requests. */
  get serving(): boolean {
    return this.#life?.agent != null
  }

  get running(): boolean {
    return this.#life !== null
  }

  start(): void {
    if (this.#life !== null) return
    const life = this.#begin()
    this.#life = life
    this.#compose(life).then(
      (agent) => {
        life.agent = agent
      },
      (error: Error) => {
        this.#world.history.note(`${this.name} cannot start: ${error.message}`)
        if (this.#life !== life) return
        this.kill()
        this.#world.scheduler.after(restartAfterFailureMs, () => this.start())
      },
    )
  }

  /** As kill -9: memory and connections are gone; what is under way elsewhere may still be done there. */
  kill(): void {
    const life = this.#life
    if (life === null) return
    this.#life = null
    life.timers.kill()
    life.database.kill()
    life.store.kill()
    this.#world.network.kill(this.name)
  }

  /** As SIGTERM. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life?.agent == null) {
      this.kill()
      return
    }
    let stopped = false
    const { scheduler, history } = this.#world
    const late = scheduler.after(stopWithinMs, () => {
      if (!stopped && this.#life === life) this.#world.failures.push(`${this.name} does not stop`)
    })
    await life.agent.stop()
    stopped = true
    late.cancel()
    history.note(`${this.name} has stopped`)
    if (this.#life === life) this.kill()
  }

  /** Nothing becomes due and nothing arrives from clients meanwhile, as when a machine stalls. */
  pause(durationMs: number): void {
    this.#life?.timers.pause(durationMs)
  }

  skewClock(skewMs: number): void {
    this.#skewMs = skewMs
    if (this.#life !== null) this.#life.clock.skewMs = skewMs
  }

  #begin(): Life {
    const { scheduler, postgres, bucket } = this.#world
    const clock = new SimulatedClock(scheduler, startMs)
    clock.skewMs = this.#skewMs
    return {
      clock,
      timers: new SimulatedTimers(scheduler),
      database: new SimulatedDatabase({ scheduler, postgres, faults: this.databaseFaults }),
      store: new SimulatedObjectStore({ scheduler, clock, bucket, faults: this.storeFaults }),
      agent: null,
    }
  }

  #compose(life: Life): Promise<Agent> {
    const { network, settings } = this.#world
    return startAgent(
      {
        tenant,
        kafkaHost: this.name,
        kafkaPort,
        advertisedHost: this.name,
        advertisedPort: kafkaPort,
        nodeId: this.#nodeId,
        rack: null,
        requestBytes: 16 * mebibyte,
        maxConnections: 1_000,
        fetchMaxBytes: mebibyte,
        autoCreateTopics: 'false',
        drainMs: 2_000,
        health: null,
        ...settings,
      },
      {
        ...life,
        random: this.#random.fork(`life ${this.#lives++}`),
        network: network.host(this.name),
        log: this.#log,
      },
    )
  }
}
