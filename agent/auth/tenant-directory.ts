import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import { BoundedMap } from '@streamhouse/platform/std/bounded-map'
import { SingleFlight } from '@streamhouse/platform/std/single-flight'
import { findOrganization, type TopicDefaults } from '@streamhouse/storage/metadata/organizations'
import { nobody, type Tenant } from './tenant.ts'

/** Why a tenant's requests are refused. */
export type TenantRefusal = 'Unknown' | 'Suspended'

/** A tenant and whether it may be served; one that is unknown is `nobody`. */
export interface TenantStanding {
  readonly tenant: Tenant
  readonly refusal: TenantRefusal | null
}

/** Finds tenants by the name that a listener's config, or a principal, gives. */
export interface TenantDirectory {
  /** What is known without waiting. */
  cached(tenantId: string): TenantStanding | undefined
  /** @throws DatabaseError when it is not cached and cannot be looked up */
  resolve(tenantId: string): Promise<TenantStanding>
}

export interface CachedTenantDirectoryOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Age at which an entry is looked up again in the background; 2,000 when absent. */
  readonly refreshMs?: number
  /** Age beyond which an entry is not used, as when the database is away for long; 60,000 when absent. */
  readonly maxAgeMs?: number
  /** Tenants kept; 10,000 when absent. */
  readonly maxTenants?: number
}

interface Entry {
  readonly standing: TenantStanding
  readonly loadedMs: number
}

/** The organizations table behind a short cache. */
export class CachedTenantDirectory implements TenantDirectory {
  readonly #options: CachedTenantDirectoryOptions
  readonly #refreshMs: number
  readonly #maxAgeMs: number
  readonly #entries: BoundedMap<string, Entry>
  readonly #organizations: BoundedMap<string, Tenant>
  readonly #loads = new SingleFlight<string, TenantStanding>()

  constructor(options: CachedTenantDirectoryOptions) {
    this.#options = options
    this.#refreshMs = options.refreshMs ?? 2_000
    this.#maxAgeMs = options.maxAgeMs ?? 60_000
    const maxWeight = options.maxTenants ?? 10_000
    this.#entries = new BoundedMap({ maxWeight })
    this.#organizations = new BoundedMap({ maxWeight })
  }

  cached(tenantId: string): TenantStanding | undefined {
    const entry = this.#entries.get(tenantId)
    if (entry === undefined) return undefined
    const ageMs = this.#options.clock.monotonicMs() - entry.loadedMs
    if (ageMs >= this.#refreshMs) {
      // A failure shows once the entry is too old to be used.
      this.#load(tenantId).catch(() => {})
      if (ageMs >= this.#maxAgeMs) return undefined
    }
    return entry.standing
  }

  async resolve(tenantId: string): Promise<TenantStanding> {
    return this.cached(tenantId) ?? this.#load(tenantId)
  }

  /** Topic defaults of an organization whose tenant has been resolved; none otherwise. */
  defaultsOf(organizationId: string): TopicDefaults {
    return this.#organizations.get(organizationId)?.defaults ?? {}
  }

  #load(tenantId: string): Promise<TenantStanding> {
    return this.#loads.run(tenantId, async () => {
      const { database, clock } = this.#options
      const loadedMs = clock.monotonicMs()
      const organization = await findOrganization(database, tenantId)
      const standing: TenantStanding =
        organization === null
          ? { tenant: nobody, refusal: 'Unknown' }
          : { tenant: organization, refusal: organization.suspended ? 'Suspended' : null }
      this.#tellChange(tenantId, this.#entries.get(tenantId)?.standing.refusal, standing.refusal)
      this.#entries.set(tenantId, { standing, loadedMs })
      if (organization !== null) this.#organizations.set(organization.organizationId, organization)
      return standing
    })
  }

  #tellChange(tenantId: string, before: TenantRefusal | null | undefined, now: TenantRefusal | null): void {
    if (before === now || (before === undefined && now === null)) return
    const { log } = this.#options
    if (now === null) log.info('Requests of a tenant are served again', { tenant: tenantId })
    else log.warn('Requests of a tenant are refused', { tenant: tenantId, reason: now })
  }
}
