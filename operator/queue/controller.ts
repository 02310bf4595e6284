import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { OperatorError } from '../errors.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { Outcome, Reconciler } from '../reconcilers/reconciler.ts'
import { keyText, parseKey } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'
import { isMetadataUnavailable, type MetadataGate } from './metadata-gate.ts'
import { WorkQueue } from './work-queue.ts'

export interface ControllerOptions {
  readonly source: ResourceSource
  readonly reconciler: Reconciler
  readonly gate: MetadataGate
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  readonly metrics: ControllerMetrics
  readonly concurrency: number
  readonly sweepIntervalMs: number
}

const backoff = { initialMs: 5, maxMs: 60_000 }

/** Feeds one kind's reconciler: what changes goes into a queue, workers take from it. */
export class Controller {
  readonly #options: ControllerOptions
  #queue: WorkQueue

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#queue = this.#newQueue()
    const { source, reconciler } = options
    source.subscribe(reconciler.definition, ({ key, initial, statusOnly }) => {
      if (!statusOnly) this.#queue.add(keyText(key), initial ? 'low' : 'normal')
    })
    reconciler.watch((key, delayMs = 0) => this.#queue.addAfter(keyText(key), delayMs))
  }

  /** Works until the signal is aborted and what is under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { source, reconciler, concurrency, metrics } = this.#options
    // What was queued while another process led is out of date; everything is looked at once.
    this.#queue.close()
    this.#queue = this.#newQueue()
    metrics.attach(() => this.#queue.unfinished())
    for (const { metadata } of source.list(reconciler.definition)) this.#queue.add(keyText(metadata), 'low')
    const queue = this.#queue
    signal.addEventListener('abort', () => queue.close(), { once: true })
    if (signal.aborted) queue.close()
    const workers = Array.from({ length: concurrency }, () => this.#work(queue, signal))
    await Promise.all([...workers, this.#sweepNowAndThen(queue, signal)])
  }

  #newQueue(): WorkQueue {
    const { clock, timers, random, metrics } = this.#options
    return new WorkQueue({ clock, timers, random, observer: metrics.queue, backoff })
  }

  async #work(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    for (let key = await queue.take(); key !== null; key = await queue.take()) {
      try {
        await this.#handle(queue, key, signal)
      } finally {
        queue.done(key)
      }
    }
  }

  async #handle(queue: WorkQueue, key: string, signal: AbortSignal): Promise<void> {
    const { gate, metrics, clock, reconciler, log } = this.#options
    if (!gate.available) return this.#park(queue, key)
    const startedMs = clock.monotonicMs()
    metrics.started(key)
    try {
      const outcome = await reconciler.reconcile(parseKey(key))
      queue.forget(key)
      metrics.finished(key, resultOf(outcome), clock.monotonicMs() - startedMs)
      if (outcome.requeueAfterMs !== undefined) queue.addAfter(key, outcome.requeueAfterMs)
    } catch (error) {
      metrics.finished(key, 'error', clock.monotonicMs() - startedMs)
      if (isMetadataUnavailable(error)) {
        gate.close(error.message, signal)
        return this.#park(queue, key)
      }
      const stale = error instanceof OperatorError && (error.code === 'Stale' || error.code === 'NotFound')
      if (!stale)
        log.warn('A reconciliation failed and will be tried again', {
          kind: reconciler.definition.kind,
          key,
          error,
        })
      queue.addFailed(key, error instanceof OperatorError ? error.retryAfterMs : undefined)
    }
  }

  /** Puts the key aside until the metadata store answers again. */
  async #park(queue: WorkQueue, key: string): Promise<void> {
    const { gate, reconciler, log } = this.#options
    gate.whenAvailable(() => queue.add(key))
    try {
      await reconciler.metadataUnavailable(parseKey(key), gate.reason)
    } catch (error) {
      log.warn('The status cannot say that metadata is unavailable', {
        kind: reconciler.definition.kind,
        key,
        error,
      })
    }
  }

  async #sweepNowAndThen(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    const { timers, reconciler, gate, sweepIntervalMs, log } = this.#options
    while (!signal.aborted) {
      try {
        if (gate.available) for (const key of await reconciler.sweep()) queue.add(keyText(key), 'low')
      } catch (error) {
        if (isMetadataUnavailable(error)) gate.close(error.message, signal)
        else
          log.warn('Comparing all resources with the metadata failed', {
            kind: reconciler.definition.kind,
            error,
          })
      }
      await timers.sleep(sweepIntervalMs, signal).catch(() => undefined)
    }
  }
}

function resultOf(outcome: Outcome): 'success' | 'requeue_after' | 'terminal' {
  if (outcome.terminal) return 'terminal'
  return outcome.requeueAfterMs === undefined ? 'success' : 'requeue_after'
}
