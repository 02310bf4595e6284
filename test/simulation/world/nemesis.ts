import type { SeededRandom } from '@streamhouse/platform/simulated/random'
import type { AgentProcess } from './agent-process.ts'
import type { LevelOfFaults } from './fault-levels.ts'
import type { World } from './world.ts'

type Act = (nemesis: Nemesis) => void

/** Kills, stops, stalls and cuts off agents, and takes the database and the store away, at times drawn from the seed. */
export class Nemesis {
  readonly counts = new Map<string, number>()
  readonly world: World
  readonly random: SeededRandom
  readonly #level: LevelOfFaults
  /** Runs differ in how much time they leave for things to settle in between. */
  readonly #calm: number
  #active = false

  constructor(world: World, level: LevelOfFaults) {
    this.world = world
    this.random = world.random.fork('nemesis')
    this.#level = level
    this.#calm = 0.5 + this.random.fraction() * 3.5
  }

  start(): void {
    this.#active = true
    this.#schedule()
  }

  stop(): void {
    this.#active = false
  }

  agent(): AgentProcess {
    const { agents } = this.world
    return agents[this.random.integer(agents.length)]!
  }

  between(fromMs: number, toMs: number): number {
    return fromMs + this.random.integer(toMs - fromMs)
  }

  /** Does something later, even when the nemesis has been stopped: what it broke is put right. */
  later(delayMs: number, act: () => void): void {
    this.world.scheduler.after(delayMs, act)
  }

  note(text: string): void {
    this.world.history.note(text)
  }

  #schedule(): void {
    const { actEveryMs } = this.#level
    if (actEveryMs === null) return
    this.later(this.between(actEveryMs / 4, actEveryMs * 1.75) * this.#calm, () => {
      if (!this.#active) return
      const [name, act] = acts[this.random.integer(acts.length)]!
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
      act(this)
      this.#schedule()
    })
  }

  outage(agent: AgentProcess, what: 'database' | 'store', durationMs: number): void {
    const faults = what === 'database' ? agent.databaseFaults : agent.storeFaults
    faults.set(what === 'database' ? { databaseUnavailable: 1 } : { storeUnavailable: 1 })
    this.later(durationMs, () => faults.set(this.#active ? this.#level[what] : {}))
  }

  cut(a: string, b: string, durationMs: number): void {
    this.world.network.partition(a, b)
    this.later(durationMs, () => this.world.network.heal(a, b))
  }
}

const acts: readonly (readonly [string, Act])[] = [
  ['kill', kill],
  ['kill', kill],
  ['stop', stop],
  ['stop', stop],
  ['pause', pause],
  ['partition', partition],
  ['partition', partition],
  ['databaseRestart', restartDatabase],
  ['databaseOutage', (nemesis) => outage(nemesis, 'database')],
  ['storeOutage', (nemesis) => outage(nemesis, 'store')],
  ['clockSkew', skewClock],
  ['databaseClock', moveDatabaseClock],
]

function kill(nemesis: Nemesis): void {
  const agent = nemesis.agent()
  const downMs = nemesis.between(50, nemesis.random.integer(3) === 0 ? 12_000 : 2_000)
  nemesis.note(`${agent.name} is killed for ${downMs} ms`)
  agent.kill()
  nemesis.later(downMs, () => agent.start())
}

function stop(nemesis: Nemesis): void {
  const agent = nemesis.agent()
  nemesis.note(`${agent.name} is told to stop`)
  const downMs = nemesis.between(50, 3_000)
  void agent.stop().then(() => nemesis.later(downMs, () => agent.start()))
  // A stop that is itself killed never ends.
  nemesis.later(12_000, () => agent.start())
}

function pause(nemesis: Nemesis): void {
  const agent = nemesis.agent()
  const durationMs = nemesis.between(100, nemesis.random.integer(3) === 0 ? 13_000 : 2_000)
  nemesis.note(`${agent.name} stalls for ${durationMs} ms`)
  agent.pause(durationMs)
  for (const client of nemesis.world.clients) nemesis.cut(agent.name, client, durationMs)
}

function partition(nemesis: Nemesis): void {
  const agent = nemesis.agent()
  const durationMs = nemesis.between(200, 8_000)
  const cutOff = nemesis.world.clients.filter(() => nemesis.random.integer(2) === 0)
  nemesis.note(`${agent.name} is cut off from ${cutOff.join(', ')} for ${durationMs} ms`)
  for (const client of cutOff) nemesis.cut(agent.name, client, durationMs)
}

function restartDatabase(nemesis: Nemesis): void {
  const outageMs = nemesis.between(20, 3_000)
  nemesis.note(`The database restarts and is away for ${outageMs} ms`)
  nemesis.world.postgres.restart(outageMs)
}

function outage(nemesis: Nemesis, what: 'database' | 'store'): void {
  const agent = nemesis.agent()
  const durationMs = nemesis.between(100, nemesis.random.integer(4) === 0 ? 25_000 : 4_000)
  nemesis.note(`${agent.name} does not reach the ${what} for ${durationMs} ms`)
  nemesis.outage(agent, what, durationMs)
}

function skewClock(nemesis: Nemesis): void {
  const agent = nemesis.agent()
  const skewMs = nemesis.between(-60_000, 60_000)
  nemesis.note(`The clock of ${agent.name} is off by ${skewMs} ms`)
  agent.skewClock(skewMs)
}

/** As after a failover to a machine whose clock is ahead: leases expire, and agents look dead to each other for a while. */
function moveDatabaseClock(nemesis: Nemesis): void {
  const byMs = nemesis.between(-3_000, 20_000)
  nemesis.note(`The clock of the database jumps by ${byMs} ms`)
  nemesis.world.databaseSkewMs += byMs
}
