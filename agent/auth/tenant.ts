import type { Quotas, TopicDefaults } from '@streamhouse/storage/metadata/organizations'

/** The organization a connection belongs to. */
export interface Tenant {
  readonly organizationId: string
  readonly tenantId: string
  readonly suspended: boolean
  readonly quotas: Quotas
  readonly defaults: TopicDefaults
}
