import type { Tenant } from '../resources/generated/tenant.ts'
import { parseQuantity } from '../resources/quantity.ts'
import { defaultConfig } from './topic-config.ts'

/** What the metadata store should say about a tenant. */
export interface DesiredTenant {
  readonly tenantId: string
  readonly suspended: boolean
  readonly quotas: Readonly<Record<string, number>>
  readonly defaults: { readonly partitions?: number; readonly config?: Readonly<Record<string, string>> }
  readonly reclaimPolicy: 'Retain' | 'Delete'
}

/** The name that is unique in the installation. */
export function tenantIdOf(tenant: Tenant): string {
  return tenant.spec.tenantID ?? tenant.metadata.name
}

/** The organization that the resource asks for. */
export function desiredTenant(tenant: Tenant): DesiredTenant {
  const { suspended, quotas, defaults, reclaimPolicy } = tenant.spec
  const config = defaultConfig(defaults)
  return {
    tenantId: tenantIdOf(tenant),
    suspended,
    quotas: Object.fromEntries(
      Object.entries(quotas ?? {}).map(([name, limit]) => [name, parseQuantity(limit)]),
    ),
    defaults: {
      ...(defaults?.partitions === undefined ? {} : { partitions: defaults.partitions }),
      ...(Object.keys(config).length === 0 ? {} : { config }),
    },
    reclaimPolicy,
  }
}
