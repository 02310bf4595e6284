import type { Quotas, TopicDefaults } from '@streamhouse/storage/metadata/organizations'

/** The organization a connection belongs to. */
export interface Tenant {
  readonly organizationId: string
  readonly tenantId: string
  readonly suspended: boolean
  readonly quotas: Quotas
  readonly defaults: TopicDefaults
}

/** Stands in for the tenant where there is none: its id is never given to an organization, so it owns nothing. */
export const nobody: Tenant = Object.freeze({
  organizationId: '00000000-0000-0000-0000-000000000000',
  tenantId: '',
  suspended: false,
  quotas: {},
  defaults: {},
})
