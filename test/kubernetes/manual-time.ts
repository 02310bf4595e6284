import type { Clock } from '@streamhouse/platform/clock'
import type { Random } from '@streamhouse/platform/random'
import type { Timer, Timers } from '@streamhouse/platform/timers'

interface Waiting {
  readonly dueMs: number
  readonly callback: () => void
}

/** Time that passes only when a test says so. */
export class ManualTime implements Clock, Timers {
  #nowMs = 0
  #waiting: Waiting[] = []

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const waiting = { dueMs: this.#nowMs + delayMs, callback }
    this.#waiting.push(waiting)
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
      },
    }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = this.after(delayMs, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason)
      })
    })
  }

  soon(callback: () => void): void {
    setImmediate(callback)
  }

  /** Lets time pass, and what is due happen in order. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    for (;;) {
      await settle()
      const next = this.#waiting.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
      if (next === undefined) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#waiting = this.#waiting.filter((each) => each !== next)
      next.callback()
    }
    this.#nowMs = untilMs
    await settle()
  }
}

/** Lets promises, and what node:http has to do, go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Randomness that always gives the same. */
export const fixedRandom: Random = {
  uuid: () => '00000000-0000-4000-8000-000000000000',
  integer: () => 0,
  fraction: () => 0.999,
  bytes: (length) => Buffer.alloc(length),
}
