import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import { SingleFlight } from '@streamhouse/platform/std/single-flight'
import type { Timers } from '@streamhouse/platform/timers'

export interface ReadinessOptions {
  readonly database: Database
  readonly clock: Clock
  readonly timers: Timers
  /** Whether the listeners are bound. */
  readonly listening: () => boolean
  /** Whether the other agents take this one for alive. */
  readonly announced: () => boolean
  /** How long the database may take to answer; 2,000 when absent. */
  readonly databaseTimeoutMs?: number
  /** How long an answer of the database is good for; 1,000 when absent. */
  readonly databaseMaxAgeMs?: number
}

/** Whether clients should be sent to this agent. */
export class Readiness {
  readonly #options: ReadinessOptions
  readonly #probes = new SingleFlight<'database', boolean>()
  #draining = false
  #reachable = false
  #probedMs = Number.NEGATIVE_INFINITY

  constructor(options: ReadinessOptions) {
    this.#options = options
  }

  /** From now on no client should come; the agent is about to stop. */
  drain(): void {
    this.#draining = true
  }

  /** What keeps the agent from being ready; nothing when it is. */
  async missing(): Promise<string[]> {
    if (this.#draining) return ['the agent is draining']
    const missing: string[] = []
    if (!this.#options.listening()) missing.push('listeners are not bound')
    if (!this.#options.announced()) missing.push('the agent is not announced')
    if (!(await this.#databaseReachable())) missing.push('the metadata database does not answer')
    return missing
  }

  /** However many ask, the database is asked once at a time and once a second. */
  #databaseReachable(): Promise<boolean> | boolean {
    const { clock, databaseMaxAgeMs } = this.#options
    if (clock.monotonicMs() - this.#probedMs < (databaseMaxAgeMs ?? 1_000)) return this.#reachable
    return this.#probes.run('database', async () => {
      this.#reachable = await this.#probe()
      this.#probedMs = clock.monotonicMs()
      return this.#reachable
    })
  }

  #probe(): Promise<boolean> {
    const { database, timers, databaseTimeoutMs } = this.#options
    return new Promise((resolve) => {
      const timer = timers.after(databaseTimeoutMs ?? 2_000, () => resolve(false))
      const answered = (reachable: boolean) => {
        timer.cancel()
        resolve(reachable)
      }
      database.query({ name: 'ready', text: 'select 1' }).then(
        () => answered(true),
        () => answered(false),
      )
    })
  }
}
