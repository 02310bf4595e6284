import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { StatusWriter } from './apply/status.ts'
import type { OperatorMetrics } from './metrics.ts'
import { Controller } from './queue/controller.ts'
import { MetadataGate } from './queue/metadata-gate.ts'
import { tenantCatalog, topicCatalog } from './reconcilers/catalogs.ts'
import type { Reconciler } from './reconcilers/reconciler.ts'
import { ResourceIndex } from './reconcilers/resource-index.ts'
import { Signal } from './reconcilers/signal.ts'
import { TenantReconciler } from './reconcilers/tenant.ts'
import { tenantKeyOf } from './reconcilers/tenant-reference.ts'
import { TopicReconciler } from './reconcilers/topic.ts'
import type { ResourceDefinition } from './resources/definition.ts'
import { tenantDefinition } from './resources/generated/tenant.ts'
import { type Topic, topicDefinition } from './resources/generated/topic.ts'
import { keyText, type ResourceKey } from './resources/resource.ts'
import type { ResourceSource } from './sources/resource-source.ts'

/** The kinds that the operator reconciles. */
export const definitions: readonly ResourceDefinition[] = [tenantDefinition, topicDefinition]

export interface OperatorOptions {
  /** Not started yet. */
  readonly source: ResourceSource
  readonly database: Database
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  readonly metrics: OperatorMetrics
  /** Resources of a kind that are worked on at a time. */
  readonly concurrency?: number
  /** How often everything is compared with the metadata. */
  readonly sweepIntervalMs?: number
  /** Decides when to lead; leads at once when absent. */
  readonly elect?: (signal: AbortSignal, lead: (leading: AbortSignal) => Promise<void>) => Promise<void>
}

/** An operator at work. */
export interface Operator {
  /** Whether the resources have been read and are kept up to date. */
  readonly ready: boolean
  /** Ends when the operator does; rejects when it lost its leadership or failed. */
  readonly ended: Promise<void>
  /** Finishes what is under way and gives the leadership back. */
  stop(): Promise<void>
}

/** Composes an operator of a source and a database, and sets it to work. */
export function startOperator(options: OperatorOptions): Operator {
  const { source, database, log, metrics, elect } = options
  const stopping = new AbortController()
  const gate = new MetadataGate({
    ...options,
    probe: async () => void (await database.query({ text: 'select 1' })),
    changed: (available, reason) => {
      metrics.databaseUp(available)
      if (available) log.info('The metadata store answers again')
      else log.error('The metadata store is away', { reason })
    },
  })
  const controllers = composeReconcilers(options).map(
    (reconciler) =>
      new Controller({
        ...options,
        reconciler,
        gate,
        concurrency: options.concurrency ?? 16,
        sweepIntervalMs: options.sweepIntervalMs ?? 120_000,
        metrics: metrics.controller(reconciler.definition.kind, options.concurrency ?? 16),
      }),
  )
  let ready = false
  const lead = async (leading: AbortSignal): Promise<void> => {
    metrics.leading('streamhouse-operator', true)
    log.info('Leading', { source: source.id })
    await Promise.all(controllers.map((controller) => controller.run(leading)))
    metrics.leading('streamhouse-operator', false)
  }
  const work = async (): Promise<void> => {
    metrics.leading('streamhouse-operator', false)
    try {
      await source.start()
      ready = true
      if (elect === undefined) await lead(stopping.signal)
      else await elect(stopping.signal, lead)
    } finally {
      ready = false
      await source.stop()
    }
  }
  const ended = work()
  // The owner may look at `ended` later.
  ended.catch(() => undefined)
  return {
    get ready() {
      return ready
    },
    ended,
    stop: async () => {
      stopping.abort(new Error('The operator was stopped'))
      await source.stop()
      await ended.catch(() => undefined)
    },
  }
}

function composeReconcilers(options: OperatorOptions): Reconciler[] {
  const { source, database, random, clock, metrics } = options
  const tenants = tenantCatalog(database, random)
  const shared = {
    source,
    metrics,
    status: new StatusWriter(source, clock),
    topicsOfTenant: new ResourceIndex<Topic>(source, topicDefinition, (topic) => keyText(tenantKeyOf(topic))),
    tenantSaved: new Signal<ResourceKey>(),
    usageChanged: new Signal<ResourceKey>(),
  }
  return [
    new TenantReconciler({ ...shared, catalog: tenants }),
    new TopicReconciler({ ...shared, tenants, topics: topicCatalog(database, random) }),
  ]
}
