import { deferred } from '../std/deferred.ts'
import type { Scheduler } from './scheduler.ts'

/**
 * Lets virtual time run by itself, a millisecond at a time, for code that awaits simulated things without being started
 * by `run`, such as a contract suite. Returns what stops it.
 */
export function pump(scheduler: Scheduler): () => Promise<void> {
  const stopped = deferred()
  let running = true
  const tick = () => {
    if (running) scheduler.after(1, tick)
  }
  tick()
  const run = scheduler.run(() => stopped.promise, { maxMs: Infinity, maxEvents: Infinity })
  return () => {
    running = false
    stopped.resolve()
    return run
  }
}
