import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { TenantDirectory } from '../auth/tenant-directory.ts'

export interface ConnectionQuotaOptions {
  readonly clock: Clock
  readonly log: Log
  readonly tenants: TenantDirectory
  readonly maxConnections: number
}

/** Least time between two log lines about refused connections of one tenant: clients try again at once. */
const logIntervalMs = 10_000

/** Counts connections against the agent's limit and the tenants' quotas. */
export class ConnectionQuota {
  readonly #options: ConnectionQuotaOptions
  readonly #counts = new Map<string, number>()
  #loggedMs = Number.NEGATIVE_INFINITY

  constructor(options: ConnectionQuotaOptions) {
    this.#options = options
  }

  /** Counts the connection, or says no. A tenant that is not known yet is admitted: its requests will tell. */
  admit(listener: { readonly name: string; readonly defaultTenant: string }, connections: number): boolean {
    const { maxConnections, tenants } = this.#options
    const tenantId = listener.defaultTenant
    if (connections >= maxConnections) {
      return this.#refuse('Connection refused: the agent has as many as it may', listener, maxConnections)
    }
    const count = this.#counts.get(tenantId) ?? 0
    const quota = tenants.cached(tenantId)?.tenant.quotas.maxConnections
    if (quota !== undefined && count >= quota) {
      return this.#refuse('Connection refused: the tenant has as many as its quota allows', listener, quota)
    }
    this.#counts.set(tenantId, count + 1)
    return true
  }

  release(tenantId: string): void {
    const count = this.#counts.get(tenantId) ?? 0
    if (count > 1) this.#counts.set(tenantId, count - 1)
    else this.#counts.delete(tenantId)
  }

  #refuse(
    message: string,
    listener: { readonly name: string; readonly defaultTenant: string },
    limit: number,
  ): false {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#loggedMs >= logIntervalMs) {
      this.#loggedMs = nowMs
      this.#options.log.warn(message, { listener: listener.name, tenant: listener.defaultTenant, limit })
    }
    return false
  }
}
