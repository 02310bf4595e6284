import type { Timer, Timers } from '../timers.ts'
import type { Scheduler } from './scheduler.ts'

/** A process's timers in virtual time. The process can be paused, as by a garbage collection, or killed. */
export class SimulatedTimers implements Timers {
  readonly #scheduler: Scheduler
  #pausedUntilMs = 0
  #killed = false

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  after(delayMs: number, callback: () => void): Timer {
    let timer: Timer
    const due = () => {
      if (this.#killed) return
      const pauseMs = this.#pausedUntilMs - this.#scheduler.nowMs
      if (pauseMs > 0) timer = this.#scheduler.after(pauseMs, due)
      else callback()
    }
    timer = this.#scheduler.after(delayMs, due)
    return { cancel: () => timer.cancel() }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  soon(callback: () => void): void {
    this.after(0, callback)
  }

  /** Holds back everything that becomes due meanwhile. */
  pause(durationMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#scheduler.nowMs + durationMs)
  }

  /** Nothing becomes due any more. */
  kill(): void {
    this.#killed = true
  }
}
