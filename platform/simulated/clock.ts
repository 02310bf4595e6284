import type { Clock } from '../clock.ts'
import type { Scheduler } from './scheduler.ts'

/** A process's clocks in virtual time; its wall clock can be wrong. */
export class SimulatedClock implements Clock {
  readonly #scheduler: Scheduler
  readonly #startMs: number
  /** How far the wall clock is off; may be changed at any time, as NTP does. */
  skewMs = 0

  /** @param startMs what the wall clock shows when virtual time begins */
  constructor(scheduler: Scheduler, startMs = Date.UTC(2026, 0, 1)) {
    this.#scheduler = scheduler
    this.#startMs = startMs
  }

  nowMs(): number {
    return Math.floor(this.#startMs + this.#scheduler.nowMs + this.skewMs)
  }

  monotonicMs(): number {
    return this.#scheduler.nowMs
  }
}
