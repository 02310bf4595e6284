import type { Clock } from '@streamhouse/platform/clock'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { QueueObserver } from './queue/work-queue.ts'
import type { ReflectorObserver } from './sources/kubernetes/reflector.ts'

/** Counts what a source does. */
export interface SourceMetrics {
  reflector(kind: string): ReflectorObserver
  statusWritten(kind: string): void
}

/** Counts what a controller does. */
export interface ControllerMetrics {
  readonly queue: QueueObserver
  started(key: string): void
  finished(key: string, result: 'success' | 'requeue_after' | 'terminal' | 'error', tookMs: number): void
  /** Has the running work measured whenever the metrics are read. */
  attach(unfinished: () => { readonly totalMs: number; readonly longestMs: number }): void
}

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** The operator's metrics, under the names of controller-runtime and client-go where those have one, so that their dashboards work. */
export class OperatorMetrics implements SourceMetrics {
  readonly registry = new Registry()
  readonly #clock: Clock
  readonly #unfinished = new Map<string, () => { readonly totalMs: number; readonly longestMs: number }>()

  readonly #reconciles = this.#counter('controller_runtime_reconcile_total', 'Reconciliations', [
    'controller',
    'result',
  ])
  readonly #errors = this.#counter(
    'controller_runtime_reconcile_errors_total',
    'Reconciliations that failed',
    ['controller'],
  )
  readonly #terminals = this.#counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Reconciliations that only a change of the resource can help',
    ['controller'],
  )
  readonly #times = this.#histogram('controller_runtime_reconcile_time_seconds', 'Time of a reconciliation', [
    'controller',
  ])
  readonly #active = this.#gauge('controller_runtime_active_workers', 'Workers that reconcile now', [
    'controller',
  ])
  readonly #workers = this.#gauge('controller_runtime_max_concurrent_reconciles', 'Workers', ['controller'])
  readonly #depth = this.#gauge('workqueue_depth', 'Resources that wait', ['name', 'controller'])
  readonly #adds = this.#counter('workqueue_adds_total', 'Resources added to the queue', [
    'name',
    'controller',
  ])
  readonly #retries = this.#counter('workqueue_retries_total', 'Resources added again after a failure', [
    'name',
    'controller',
  ])
  readonly #waits = this.#histogram('workqueue_queue_duration_seconds', 'Time in the queue', [
    'name',
    'controller',
  ])
  readonly #works = this.#histogram('workqueue_work_duration_seconds', 'Time of work on a resource', [
    'name',
    'controller',
  ])
  readonly #longest = this.#gauge(
    'workqueue_longest_running_processor_seconds',
    'Age of the oldest work under way',
    ['name', 'controller'],
  )
  readonly #unfinishedWork = this.#gauge('workqueue_unfinished_work_seconds', 'Age of all work under way', [
    'name',
    'controller',
  ])
  readonly #leading = this.#gauge('leader_election_master_status', '1 while this process leads', ['name'])
  readonly #progress = this.#gauge(
    'streamhouse_operator_reconcile_in_progress_start_time_seconds',
    'Unix time at which the oldest reconciliation under way began, 0 when there is none',
    ['controller'],
  )
  readonly #drifts = this.#counter(
    'streamhouse_operator_drift_total',
    'Resources found changed behind their back',
    ['kind', 'action'],
  )
  readonly #restarts = this.#counter('streamhouse_operator_watch_restarts_total', 'Watches begun again', [
    'kind',
    'reason',
  ])
  readonly #misses = this.#counter(
    'streamhouse_operator_cache_miss_total',
    'Changes that a watch failed to bring',
    ['kind'],
  )
  readonly #lastEvent = this.#gauge(
    'streamhouse_operator_informer_last_event_seconds',
    'Unix time of the last watch event',
    ['kind'],
  )
  readonly #statusWrites = this.#counter('streamhouse_operator_status_writes_total', 'Writes of a status', [
    'kind',
  ])
  readonly #database = this.#gauge('streamhouse_operator_db_up', '1 while the metadata store answers', [])

  constructor(clock: Clock) {
    this.#clock = clock
    this.#database.set(1)
  }

  reflector(kind: string): ReflectorObserver {
    return {
      watchRestarted: (reason) => this.#restarts.inc({ kind, reason }),
      eventSeen: () => this.#lastEvent.set({ kind }, this.#clock.nowMs() / 1_000),
      missed: (count) => this.#misses.inc({ kind }, count),
    }
  }

  statusWritten(kind: string): void {
    this.#statusWrites.inc({ kind })
  }

  drift(kind: string, action: 'reverted' | 'reported'): void {
    this.#drifts.inc({ kind, action })
  }

  databaseUp(up: boolean): void {
    this.#database.set(up ? 1 : 0)
  }

  leading(name: string, leading: boolean): void {
    this.#leading.set({ name }, leading ? 1 : 0)
  }

  /** Metrics of one controller, labelled with its kind in lower case, as controller-runtime does. */
  controller(kind: string, concurrency: number): ControllerMetrics {
    const controller = kind.toLowerCase()
    const labels = { name: controller, controller }
    const running = new Map<string, number>()
    const progress = () => {
      this.#active.set({ controller }, running.size)
      this.#progress.set({ controller }, running.values().next().value ?? 0)
    }
    this.#workers.set({ controller }, concurrency)
    progress()
    return {
      queue: {
        depth: (keys) => this.#depth.set(labels, keys),
        added: () => this.#adds.inc(labels),
        started: (waitedMs) => this.#waits.observe(labels, waitedMs / 1_000),
        finished: (workedMs) => this.#works.observe(labels, workedMs / 1_000),
        retried: () => this.#retries.inc(labels),
      },
      started: (key) => {
        running.set(key, this.#clock.nowMs() / 1_000)
        progress()
      },
      finished: (key, result, tookMs) => {
        running.delete(key)
        progress()
        this.#times.observe({ controller }, tookMs / 1_000)
        this.#reconciles.inc({ controller, result: result === 'terminal' ? 'error' : result })
        if (result === 'terminal') this.#terminals.inc({ controller })
        if (result === 'terminal' || result === 'error') this.#errors.inc({ controller })
      },
      attach: (unfinished) => this.#unfinished.set(controller, unfinished),
    }
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    for (const [controller, unfinished] of this.#unfinished) {
      const { totalMs, longestMs } = unfinished()
      this.#longest.set({ name: controller, controller }, longestMs / 1_000)
      this.#unfinishedWork.set({ name: controller, controller }, totalMs / 1_000)
    }
    return this.registry.metrics()
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram(name: string, help: string, labelNames: string[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] })
  }
}
