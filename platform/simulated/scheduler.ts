import { PriorityQueue } from '../std/priority-queue.ts'
import { systemTimers } from '../system/timers.ts'
import type { Timer } from '../timers.ts'

interface Event {
  readonly atMs: number
  /** Events of one moment happen in the order they were asked for. */
  readonly sequence: number
  callback: (() => void) | undefined
}

export interface RunLimits {
  /** Virtual time after which the run fails; an hour when absent. */
  readonly maxMs?: number
  /** Events after which the run fails; ten million when absent. */
  readonly maxEvents?: number
}

/** The simulation came to a standstill, or did not end within its limits. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError'
}

const hourMs = 3_600_000

/**
 * Virtual time. One event happens at a time; then everything it set off runs until nothing is left but later events.
 * What really is asynchronous (PGlite, compression) goes through `track`: time stands still until it is done, and its
 * outcome arrives as an event, so that how long it really took cannot change what happens.
 */
export class Scheduler {
  readonly #events = new PriorityQueue<Event>((a, b) =>
    a.atMs === b.atMs ? a.sequence < b.sequence : a.atMs < b.atMs,
  )
  readonly #real = new Set<Promise<void>>()
  #nowMs = 0
  #sequence = 0
  #happened = 0

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Events that have happened; equal for equal seeds. */
  get happened(): number {
    return this.#happened
  }

  /** Calls back at a later virtual time. */
  after(delayMs: number, callback: () => void): Timer {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    }
    this.#events.push(event)
    return {
      cancel() {
        event.callback = undefined
      },
    }
  }

  /** Resolves at a later virtual time. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve)
    })
  }

  /** Lets something real happen within the current moment, and hands its outcome on as an event of its own. */
  track<T>(start: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const real = settled(start).then((outcome) => {
        this.#real.delete(real)
        this.after(0, () =>
          outcome.status === 'fulfilled' ? resolve(outcome.value) : reject(outcome.reason),
        )
      })
      this.#real.add(real)
    })
  }

  /** Runs `main` and all that it starts in virtual time, until `main` is settled. */
  async run<T>(main: () => Promise<T>, limits: RunLimits = {}): Promise<T> {
    const maxMs = this.#nowMs + (limits.maxMs ?? hourMs)
    const maxEvents = this.#happened + (limits.maxEvents ?? 10_000_000)
    let outcome: PromiseSettledResult<T> | undefined
    void settled(main).then((value) => {
      outcome = value
    })
    for (;;) {
      await this.#quiet()
      if (outcome !== undefined) break
      const event = this.#events.pop()
      if (event === undefined) {
        throw new SimulationError(`Nothing is left to happen at ${this.#nowMs} ms, and the run is not over`)
      }
      if (event.callback === undefined) continue
      this.#nowMs = Math.max(this.#nowMs, event.atMs)
      this.#happened++
      if (this.#nowMs > maxMs || this.#happened > maxEvents) {
        throw new SimulationError(`Not over after ${this.#nowMs} ms and ${this.#happened} events`)
      }
      event.callback()
    }
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }

  /** Until neither microtasks nor real operations are left. */
  async #quiet(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => systemTimers.soon(resolve))
      if (this.#real.size === 0) return
      await Promise.race(this.#real)
    }
  }
}

async function settled<T>(start: () => Promise<T>): Promise<PromiseSettledResult<T>> {
  try {
    return { status: 'fulfilled', value: await start() }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}
