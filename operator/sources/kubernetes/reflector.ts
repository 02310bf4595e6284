import type { Clock } from '@streamhouse/platform/clock'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { describeError, OperatorError } from '../../errors.ts'
import type { ObjectMeta } from '../../resources/resource.ts'
import type { ApiRequest, KubernetesApi } from './api.ts'

/** The least that is kept of an object. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

/** What a reflector tells about itself. */
export interface ReflectorObserver {
  watchRestarted(reason: 'ended' | 'expired' | 'failed', message: string): void
  eventSeen(): void
  /** The safety list found objects that the watch should have told about. */
  missed(count: number): void
}

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly api: KubernetesApi
  /** Path of the collection, such as `/apis/streamhouse.io/v1alpha1/topics`. */
  readonly path: string
  /** Whether the objects' metadata are enough. */
  readonly metadataOnly?: boolean
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly observer: ReflectorObserver
  /** Called after the local copy has changed; one of `before` and `after` is null when the object came or went. */
  readonly changed: (before: T | null, after: T | null, initial: boolean) => void
  readonly pageSize?: number
  readonly relistIntervalMs?: number
  readonly missGraceMs?: number
}

interface List<T> {
  readonly items: ReadonlyMap<string, T>
  readonly resourceVersion: string
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T & {
    readonly code?: number
    readonly message?: string
    readonly details?: { retryAfterSeconds?: number }
  }
}

const minBackoffMs = 500
const maxBackoffMs = 30_000
const healthyWatchMs = 10_000
const maxPages = 10_000

/**
 * Keeps a local copy of a collection: lists it in pages, then watches from there. It goes on from the last version seen
 * after every kind of failure, lists again when that version has expired, and never gives up. Since a watch can lose
 * events without a sign (a proxy in between, a bug), it compares its copy with a fresh list now and then.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>
  readonly #items = new Map<string, T>()
  #resourceVersion: string | null = null
  #listed = false
  #backoffMs = minBackoffMs
  /** Objects that the watch has removed since the last safety list began. */
  readonly #deletedSinceList = new Set<string>()
  #relisting = false

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  get synced(): boolean {
    return this.#listed
  }

  get(namespace: string, name: string): T | null {
    return this.#items.get(`${namespace}/${name}`) ?? null
  }

  values(): Iterable<T> {
    return this.#items.values()
  }

  /** Takes in the answer to a write, unless the watch has brought something newer already. */
  learn(object: T): void {
    const key = keyOf(object)
    const known = this.#items.get(key)
    // An object that is not known was deleted meanwhile: the watch is the one to say that it is there.
    if (known === undefined || known.metadata.uid !== object.metadata.uid || isNewer(known, object)) return
    this.#set(key, object, false)
  }

  /** Runs until the signal aborts. `onSynced` is called once, after the first complete list. */
  async run(signal: AbortSignal, onSynced: () => void): Promise<void> {
    const relisting = this.#relistNowAndThen(signal)
    while (!signal.aborted) {
      const startedMs = this.#options.clock.monotonicMs()
      let waitMs = 0
      try {
        if (this.#resourceVersion === null) {
          this.#resourceVersion = this.#replace(await this.#list(signal))
          this.#listed = true
          onSynced()
        }
        await this.#watch(signal)
        this.#options.observer.watchRestarted('ended', 'The server ended the watch')
      } catch (error) {
        if (signal.aborted) break
        waitMs = this.#recover(error)
      }
      if (this.#options.clock.monotonicMs() - startedMs >= healthyWatchMs) this.#backoffMs = minBackoffMs
      else waitMs = Math.max(waitMs, this.#nextBackoffMs())
      await this.#options.timers.sleep(waitMs, signal).catch(() => undefined)
    }
    await relisting
  }

  #recover(error: unknown): number {
    const expired = error instanceof OperatorError && error.code === 'Gone'
    if (expired) this.#resourceVersion = null
    this.#options.observer.watchRestarted(expired ? 'expired' : 'failed', describeError(error))
    return error instanceof OperatorError ? (error.retryAfterMs ?? 0) : 0
  }

  #nextBackoffMs(): number {
    const base = this.#backoffMs
    this.#backoffMs = Math.min(base * 2, maxBackoffMs)
    return base / 2 + this.#options.random.fraction() * (base / 2)
  }

  async #list(signal: AbortSignal): Promise<List<T>> {
    const items = new Map<string, T>()
    let next: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const query: Record<string, string> = { limit: String(this.#options.pageSize ?? 500) }
      if (next !== undefined) query.continue = next
      const answer = (await this.#options.api.request(this.#get(query, signal))) as {
        apiVersion?: string
        kind?: string
        metadata: { resourceVersion: string; continue?: string }
        items: T[] | null
      }
      for (const item of answer.items ?? []) items.set(keyOf(item), item)
      next = answer.metadata.continue
      if (next === undefined || next === '')
        return { items, resourceVersion: answer.metadata.resourceVersion }
    }
    throw new OperatorError('Invalid', `${this.#options.path} lists more than ${maxPages} pages`)
  }

  #get(query: Readonly<Record<string, string>>, signal: AbortSignal): ApiRequest {
    const { path, metadataOnly } = this.#options
    const shape = query.watch === undefined ? 'PartialObjectMetadataList' : 'PartialObjectMetadata'
    const accept = metadataOnly ? `application/json;as=${shape};g=meta.k8s.io;v=v1` : 'application/json'
    return { method: 'GET', path, query, signal, accept }
  }

  /** Makes the local copy equal to the list, and tells the differences. */
  #replace(list: List<T>): string {
    const initial = !this.#listed
    for (const [key, item] of this.#items) {
      if (list.items.has(key)) continue
      this.#items.delete(key)
      this.#options.changed(item, null, initial)
    }
    for (const [key, item] of list.items) this.#set(key, item, initial)
    return list.resourceVersion
  }

  #set(key: string, item: T, initial: boolean): void {
    const before = this.#items.get(key) ?? null
    if (before !== null && before.metadata.resourceVersion === item.metadata.resourceVersion) return
    this.#items.set(key, item)
    this.#options.changed(before, item, initial)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#resourceVersion ?? '',
      // Spread out, so that watches of many operators don't end together.
      timeoutSeconds: String(300 + this.#options.random.integer(300)),
    }
    for await (const line of this.#options.api.stream(this.#get(query, signal))) {
      if (line === '') continue
      this.#take(parseEvent<T>(this.#options.path, line))
      this.#backoffMs = minBackoffMs
    }
  }

  #take(event: WatchEvent<T>): void {
    const { type, object } = event
    if (type === 'ERROR') throw errorOf(this.#options.path, object)
    const version = object.metadata.resourceVersion
    this.#options.observer.eventSeen()
    if (type === 'ADDED' || type === 'MODIFIED') {
      const key = keyOf(object)
      const known = this.#items.get(key)
      // The answer to our own write may have come first.
      if (known === undefined || known.metadata.uid !== object.metadata.uid || !isNewer(known, object)) {
        this.#set(key, object, false)
      }
    } else if (type === 'DELETED') {
      const key = keyOf(object)
      const known = this.#items.get(key)
      if (known !== undefined && known.metadata.uid === object.metadata.uid) {
        this.#items.delete(key)
        if (this.#relisting) this.#deletedSinceList.add(known.metadata.uid)
        this.#options.changed(known, null, false)
      }
    }
    this.#resourceVersion = version
  }

  async #relistNowAndThen(signal: AbortSignal): Promise<void> {
    const { timers, relistIntervalMs = 600_000, missGraceMs = 5_000 } = this.#options
    while (!signal.aborted) {
      try {
        await timers.sleep(relistIntervalMs, signal)
        if (!this.#listed) continue
        this.#relisting = true
        const list = await this.#list(signal)
        await timers.sleep(missGraceMs, signal)
        const missed = this.#takeMissed(list)
        if (missed > 0) this.#options.observer.missed(missed)
      } catch {
        // A list that fails says nothing about the copy; the watch has its own way of recovering.
      } finally {
        this.#relisting = false
        this.#deletedSinceList.clear()
      }
    }
  }

  /** Takes in what the watch has not brought although it had time to; returns how much that was. */
  #takeMissed(list: List<T>): number {
    let missed = 0
    for (const [key, item] of list.items) {
      const known = this.#items.get(key)
      if (known !== undefined && versionOf(known) >= versionOf(item)) continue
      if (known === undefined && this.#deletedSinceList.has(item.metadata.uid)) continue
      this.#set(key, item, false)
      missed++
    }
    for (const [key, item] of this.#items) {
      if (list.items.has(key) || versionOf(item) > BigInt(list.resourceVersion)) continue
      this.#items.delete(key)
      this.#options.changed(item, null, false)
      missed++
    }
    return missed
  }
}

function keyOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/** Versions are numbers that grow within a collection (KEP-5504 makes that a promise). */
function versionOf(object: KubernetesObject): bigint {
  return /^\d{1,20}$/.test(object.metadata.resourceVersion) ? BigInt(object.metadata.resourceVersion) : 0n
}

function isNewer(left: KubernetesObject, right: KubernetesObject): boolean {
  return versionOf(left) > versionOf(right)
}

function parseEvent<T>(path: string, line: string): WatchEvent<T> {
  try {
    return JSON.parse(line) as WatchEvent<T>
  } catch (error) {
    throw new OperatorError('Unavailable', `The watch of ${path} sent broken JSON`, { cause: error })
  }
}

function errorOf(
  path: string,
  status:
    | WatchEvent<unknown>['object']
    | { code?: number; message?: string; details?: { retryAfterSeconds?: number } },
): OperatorError {
  const { code, message, details } = status as {
    code?: number
    message?: string
    details?: { retryAfterSeconds?: number }
  }
  const text = `The watch of ${path} failed with ${code}: ${String(message).slice(0, 1_024)}`
  if (code === 410) return new OperatorError('Gone', text)
  const retryAfterMs =
    details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1_000
  return new OperatorError(
    code === 429 ? 'Throttled' : 'Unavailable',
    text,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  )
}
