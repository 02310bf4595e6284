import type { Clock } from '@streamhouse/platform/clock'
import { BoundedMap } from '@streamhouse/platform/std/bounded-map'
import type { Resource } from '../../resources/resource.ts'
import type { ResourceEvent } from '../resource-source.ts'
import { type KubernetesApi, mergePatch } from './api.ts'

interface Series {
  readonly name: string
  count: number
}

interface Budget {
  tokens: number
  refilledMs: number
}

const maxKept = 4_096
const maxPending = 1_000
const maxMessageLength = 1_024
/** Each resource may be remarked upon this often at once, and once in five minutes from then on, as in client-go. */
const burst = 25
const refillMs = 300_000

/** Writes core/v1 Events: one per kind of remark about a resource, counting when it is made again. */
export class EventRecorder {
  readonly #api: KubernetesApi
  readonly #clock: Clock
  readonly #component: string
  readonly #series = new BoundedMap<string, Series>({ maxWeight: maxKept })
  readonly #budgets = new BoundedMap<string, Budget>({ maxWeight: maxKept })
  #pending = 0
  #last: Promise<void> = Promise.resolve()

  constructor(api: KubernetesApi, clock: Clock, component: string) {
    this.#api = api
    this.#clock = clock
    this.#component = component
  }

  record(resource: Resource, event: ResourceEvent): void {
    if (this.#pending >= maxPending || !this.#spend(resource.metadata.uid)) return
    this.#pending++
    this.#last = this.#last
      .then(() => this.#write(resource, event))
      .catch(() => undefined)
      .finally(() => {
        this.#pending--
      })
  }

  /** Resolves when everything recorded so far has been written, or has failed. */
  settled(): Promise<void> {
    return this.#last
  }

  async #write(resource: Resource, event: ResourceEvent): Promise<void> {
    const key = `${resource.metadata.uid} ${event.type} ${event.reason} ${event.message}`
    const path = `/api/v1/namespaces/${encodeURIComponent(resource.metadata.namespace)}/events`
    const now = new Date(this.#clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
    const known = this.#series.get(key)
    if (known !== undefined) {
      known.count++
      const body = { count: known.count, lastTimestamp: now }
      try {
        await this.#api.request({
          method: 'PATCH',
          path: `${path}/${known.name}`,
          contentType: mergePatch,
          body,
        })
        return
      } catch {
        // Events expire after an hour: begin another one.
        this.#series.delete(key)
      }
    }
    const answer = await this.#api.request({ method: 'POST', path, body: this.#body(resource, event, now) })
    this.#series.set(key, { name: (answer as { metadata: { name: string } }).metadata.name, count: 1 })
  }

  #body(resource: Resource, event: ResourceEvent, now: string): unknown {
    const { name, namespace, uid, resourceVersion } = resource.metadata
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name.slice(0, 200)}.`, namespace },
      involvedObject: {
        apiVersion: resource.apiVersion,
        kind: resource.kind,
        name,
        namespace,
        uid,
        resourceVersion,
      },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, maxMessageLength),
      source: { component: this.#component },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
  }

  #spend(uid: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const budget = this.#budgets.get(uid) ?? { tokens: burst, refilledMs: nowMs }
    const refills = Math.floor((nowMs - budget.refilledMs) / refillMs)
    budget.tokens = Math.min(burst, budget.tokens + refills)
    budget.refilledMs += refills * refillMs
    this.#budgets.set(uid, budget)
    if (budget.tokens === 0) return false
    budget.tokens--
    return true
  }
}
