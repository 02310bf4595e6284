import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import { BoundedMap } from '@streamhouse/platform/std/bounded-map'
import type { TopicDefaults } from '@streamhouse/storage/metadata/organizations'
import { findTopics, findTopicsById, type Topic } from '@streamhouse/storage/metadata/topics'
import type { CatalogTopic, TopicCatalog } from './topic-catalog.ts'
import { type TopicConfig, topicConfigOf } from './topic-config.ts'

export interface CachedTopicCatalogOptions {
  readonly database: Database
  readonly clock: Clock
  /** The tenant's defaults for its topics' configs. */
  readonly defaultsOf: (organizationId: string) => TopicDefaults
  /** 1,000 when absent. */
  readonly maxAgeMs?: number
  /** Tenants kept; 1,000 when absent. */
  readonly maxTenants?: number
  /** Topics kept of one tenant; 20,000 when absent. */
  readonly maxTopicsPerTenant?: number
}

interface Entry {
  readonly topic: CatalogTopic
  readonly loadedMs: number
  /** Whether anybody asked for it since it was loaded. */
  used: boolean
}

type Load = Promise<ReadonlyMap<string, CatalogTopic>>

/** What is cached of one tenant. `changes` counts forgets: a look-up that one overtook is not remembered. */
interface TenantTopics {
  readonly organizationId: string
  /** Loaded longest ago first. */
  readonly byName: Map<string, Entry>
  readonly idNames: Map<string, string>
  readonly nameLoads: Map<string, Load>
  readonly idLoads: Map<string, Load>
  everything: Promise<CatalogTopic[]> | null
  refreshing: boolean
  changes: number
}

/** Entries older than this share of the age limit are looked up again while they still serve. */
const refreshShare = 0.5
/** Names looked up in one statement; more are split, so that no request makes an endless statement. */
const namesPerLookup = 1_000

/** Topics in the metadata database behind a short cache. */
export class CachedTopicCatalog implements TopicCatalog {
  readonly #options: CachedTopicCatalogOptions
  readonly #maxAgeMs: number
  readonly #tenants: BoundedMap<string, TenantTopics>

  constructor(options: CachedTopicCatalogOptions) {
    this.#options = options
    this.#maxAgeMs = options.maxAgeMs ?? 1_000
    this.#tenants = new BoundedMap({ maxWeight: options.maxTenants ?? 1_000 })
  }

  cached(organizationId: string, name: string): CatalogTopic | undefined {
    return this.#fresh(this.#tenant(organizationId), name)
  }

  cachedById(organizationId: string, topicId: string): CatalogTopic | undefined {
    const tenant = this.#tenant(organizationId)
    const name = tenant.idNames.get(topicId)
    return name === undefined ? undefined : this.#fresh(tenant, name)
  }

  async byName(organizationId: string, names: readonly string[]): Promise<Map<string, CatalogTopic>> {
    const tenant = this.#tenant(organizationId)
    return this.#lookUp(
      tenant.nameLoads,
      names,
      (name) => this.#fresh(tenant, name),
      async (missing) => {
        const topics = await this.#remember(tenant, () =>
          findTopics(this.#options.database, organizationId, missing),
        )
        return new Map(topics.map((topic) => [topic.name, topic]))
      },
    )
  }

  async byId(organizationId: string, topicIds: readonly string[]): Promise<Map<string, CatalogTopic>> {
    const tenant = this.#tenant(organizationId)
    const cached = (topicId: string) => this.cachedById(organizationId, topicId)
    return this.#lookUp(tenant.idLoads, topicIds, cached, async (missing) => {
      const topics = await this.#remember(tenant, () =>
        findTopicsById(this.#options.database, organizationId, missing),
      )
      return new Map(topics.map((topic) => [topic.topicId, topic]))
    })
  }

  all(organizationId: string): Promise<CatalogTopic[]> {
    const tenant = this.#tenant(organizationId)
    if (tenant.everything !== null) return tenant.everything
    const loading = this.#remember(tenant, () => findTopics(this.#options.database, organizationId)).finally(
      () => {
        if (tenant.everything === loading) tenant.everything = null
      },
    )
    tenant.everything = loading
    return loading
  }

  forget(organizationId: string, name: string): void {
    const tenant = this.#tenant(organizationId)
    tenant.changes++
    drop(tenant, name)
    tenant.nameLoads.clear()
    tenant.idLoads.clear()
    tenant.everything = null
  }

  #tenant(organizationId: string): TenantTopics {
    const known = this.#tenants.get(organizationId)
    if (known !== undefined) return known
    const tenant: TenantTopics = {
      organizationId,
      byName: new Map(),
      idNames: new Map(),
      nameLoads: new Map(),
      idLoads: new Map(),
      everything: null,
      refreshing: false,
      changes: 0,
    }
    this.#tenants.set(organizationId, tenant)
    return tenant
  }

  #fresh(tenant: TenantTopics, name: string): CatalogTopic | undefined {
    const entry = tenant.byName.get(name)
    if (entry === undefined) return undefined
    const ageMs = this.#options.clock.monotonicMs() - entry.loadedMs
    if (ageMs > this.#maxAgeMs) return undefined
    entry.used = true
    if (ageMs > this.#maxAgeMs * refreshShare) this.#refresh(tenant)
    return entry.topic
  }

  /** Looks up, in the background and in one statement, the entries in use that are about to be too old. */
  #refresh(tenant: TenantTopics): void {
    if (tenant.refreshing) return
    tenant.refreshing = true
    const nowMs = this.#options.clock.monotonicMs()
    const due: string[] = []
    for (const [name, entry] of tenant.byName) {
      if (nowMs - entry.loadedMs <= this.#maxAgeMs * refreshShare || due.length === namesPerLookup) break
      if (entry.used) due.push(name)
    }
    const { database } = this.#options
    this.#remember(tenant, () => findTopics(database, tenant.organizationId, due))
      .then((topics) => {
        const found = new Set(topics.map((topic) => topic.name))
        for (const name of due) if (!found.has(name)) drop(tenant, name)
      })
      // Whoever asks once the entries are too old looks them up, and sees the failure.
      .catch(() => {})
      .finally(() => {
        tenant.refreshing = false
      })
  }

  /** Takes what is cached, joins look-ups that run already, and looks up the rest. */
  async #lookUp(
    loads: Map<string, Load>,
    keys: readonly string[],
    cached: (key: string) => CatalogTopic | undefined,
    load: (missing: string[]) => Load,
  ): Promise<Map<string, CatalogTopic>> {
    const found = new Map<string, CatalogTopic>()
    const waits = new Map<string, Load>()
    const missing = new Set<string>()
    for (const key of keys) {
      const topic = cached(key)
      const running = topic === undefined ? loads.get(key) : undefined
      if (topic !== undefined) found.set(key, topic)
      else if (running !== undefined) waits.set(key, running)
      else missing.add(key)
    }
    const wanted = [...missing]
    for (let start = 0; start < wanted.length; start += namesPerLookup) {
      const part = wanted.slice(start, start + namesPerLookup)
      const loading = load(part)
      for (const key of part) {
        loads.set(key, loading)
        waits.set(key, loading)
      }
      const done = () => {
        for (const key of part) if (loads.get(key) === loading) loads.delete(key)
      }
      loading.then(done, done)
    }
    for (const [key, loading] of waits) {
      const topic = (await loading).get(key)
      if (topic !== undefined) found.set(key, topic)
    }
    return found
  }

  async #remember(tenant: TenantTopics, find: () => Promise<Topic[]>): Promise<CatalogTopic[]> {
    const { changes } = tenant
    const loadedMs = this.#options.clock.monotonicMs()
    const defaults = this.#options.defaultsOf(tenant.organizationId)
    const topics = (await find()).map((topic) => withSettings(topic, topicConfigOf(topic.config, defaults)))
    if (tenant.changes === changes) {
      for (const topic of topics) keep(tenant, topic, loadedMs)
      const maxTopics = this.#options.maxTopicsPerTenant ?? 20_000
      for (const name of tenant.byName.keys()) {
        if (tenant.byName.size <= maxTopics) break
        drop(tenant, name)
      }
    }
    return topics
  }
}

function keep(tenant: TenantTopics, topic: CatalogTopic, loadedMs: number): void {
  drop(tenant, topic.name)
  tenant.byName.set(topic.name, { topic, loadedMs, used: false })
  tenant.idNames.set(topic.topicId, topic.name)
}

function drop(tenant: TenantTopics, name: string): void {
  const entry = tenant.byName.get(name)
  if (entry === undefined) return
  tenant.byName.delete(name)
  tenant.idNames.delete(entry.topic.topicId)
}

function withSettings(topic: Topic, settings: TopicConfig): CatalogTopic {
  return { ...topic, settings }
}
