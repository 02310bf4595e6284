import type { Clock } from '@streamhouse/platform/clock'
import type { Random } from '@streamhouse/platform/random'
import { type BackoffOptions, backoffMs } from '@streamhouse/platform/std/backoff'
import type { Timer, Timers } from '@streamhouse/platform/timers'

export type Priority = 'normal' | 'low'

/** What a queue tells about itself; names follow client-go's workqueue metrics. */
export interface QueueObserver {
  depth(keys: number): void
  added(): void
  started(waitedMs: number): void
  finished(workedMs: number): void
  retried(): void
}

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly observer: QueueObserver
  readonly backoff: BackoffOptions
}

/** A key handed out for work. */
interface Running {
  readonly startedMs: number
  /** Added again meanwhile: has to be worked on once more. */
  dirty: Priority | null
}

interface Delayed {
  readonly dueMs: number
  readonly timer: Timer
}

/**
 * Keys to work on, first in, first out. A key waits at most once and is handed out to one worker at a time; adding it
 * while it is worked on hands it out again afterwards. Keys of low priority wait behind all others.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  /** Keys in order of arrival, with the time they came. */
  readonly #waiting: Record<Priority, Map<string, number>> = { normal: new Map(), low: new Map() }
  readonly #running = new Map<string, Running>()
  readonly #delayed = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | null) => void)[] = []
  #closed = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /** Keys that wait to be handed out now. */
  get depth(): number {
    return this.#waiting.normal.size + this.#waiting.low.size
  }

  add(key: string, priority: Priority = 'normal'): void {
    if (this.#closed) return
    const running = this.#running.get(key)
    if (running !== undefined) {
      running.dirty = running.dirty === 'normal' ? 'normal' : priority
      return
    }
    if (this.#waiting.normal.has(key)) return
    const since = this.#waiting.low.get(key)
    if (since !== undefined && priority === 'low') return
    this.#waiting.low.delete(key)
    this.#waiting[priority].set(key, since ?? this.#options.clock.monotonicMs())
    if (since === undefined) this.#options.observer.added()
    this.#handOut()
  }

  /** Adds the key later; the earlier of two times holds. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const dueMs = this.#options.clock.monotonicMs() + delayMs
    const present = this.#delayed.get(key)
    if (present !== undefined && present.dueMs <= dueMs) return
    present?.timer.cancel()
    const timer = this.#options.timers.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { dueMs, timer })
  }

  /** Adds the key later, the later the more often it has failed in a row; at least after `atLeastMs`. */
  addFailed(key: string, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    this.#options.observer.retried()
    const { backoff, random } = this.#options
    this.addAfter(key, Math.max(backoffMs(failures, backoff, random.fraction()), atLeastMs))
  }

  /** The key has been dealt with: its next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, once there is one; null when the queue is closed. Give it back with `done`. */
  take(): Promise<string | null> {
    return new Promise((resolve) => {
      if (this.#closed) return resolve(null)
      this.#takers.push(resolve)
      this.#handOut()
    })
  }

  done(key: string): void {
    const running = this.#running.get(key)
    if (running === undefined) return
    this.#running.delete(key)
    this.#options.observer.finished(this.#options.clock.monotonicMs() - running.startedMs)
    if (running.dirty !== null) this.add(key, running.dirty)
  }

  /** Milliseconds that the running keys have been worked on: of all together, and of the longest. */
  unfinished(): { readonly totalMs: number; readonly longestMs: number } {
    const nowMs = this.#options.clock.monotonicMs()
    let totalMs = 0
    let longestMs = 0
    for (const { startedMs } of this.#running.values()) {
      totalMs += nowMs - startedMs
      longestMs = Math.max(longestMs, nowMs - startedMs)
    }
    return { totalMs, longestMs }
  }

  /** Hands out nothing any more. */
  close(): void {
    this.#closed = true
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
    for (const taker of this.#takers.splice(0)) taker(null)
  }

  #handOut(): void {
    while (this.#takers.length > 0) {
      const waiting = this.#waiting.normal.size > 0 ? this.#waiting.normal : this.#waiting.low
      const next = waiting.entries().next()
      if (next.done) break
      const [key, sinceMs] = next.value
      waiting.delete(key)
      const startedMs = this.#options.clock.monotonicMs()
      this.#running.set(key, { startedMs, dirty: null })
      this.#options.observer.started(startedMs - sinceMs)
      this.#takers.shift()?.(key)
    }
    this.#options.observer.depth(this.depth)
  }
}
