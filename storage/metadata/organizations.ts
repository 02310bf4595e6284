import type { Database, Queryable } from '@streamhouse/platform/database'
import { sql } from 'kysely'
import { StorageError } from '../errors.ts'
import { recordAudit } from './audit.ts'
import { build, inOrganization, run } from './tables.ts'

/** Limits of a tenant; absent means unlimited. */
export interface Quotas {
  readonly produceBytesPerSecond?: number
  readonly consumeBytesPerSecond?: number
  readonly requestsPerSecond?: number
  readonly maxTopics?: number
  readonly maxPartitions?: number
  readonly maxConnections?: number
  readonly maxQueries?: number
  readonly storageBytes?: number
}

/** What a tenant's topics get when they do not say otherwise. */
export interface TopicDefaults {
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
}

export interface Organization {
  readonly organizationId: string
  readonly tenantId: string
  readonly suspended: boolean
  readonly quotas: Quotas
  readonly defaults: TopicDefaults
  /** The resource that manages the tenant, null when none does. */
  readonly owner: { readonly uid: string; readonly name: string } | null
  readonly reclaimPolicy: 'Retain' | 'Delete'
}

interface OrganizationRow {
  id: string
  tenant_id: string
  suspended: boolean
  quotas: Quotas
  defaults: TopicDefaults
  owner_uid: string | null
  owner_name: string | null
  reclaim_policy: 'Retain' | 'Delete'
}

const columns = [
  'id',
  'tenant_id',
  'suspended',
  'quotas',
  'defaults',
  'owner_uid',
  'owner_name',
  'reclaim_policy',
] as const

/** The organization of a tenant, or null. */
export async function findOrganization(database: Queryable, tenantId: string): Promise<Organization | null> {
  const query = build.selectFrom('organizations').select(columns).where('tenant_id', '=', tenantId)
  const row = (await run(database, query)).rows[0] as OrganizationRow | undefined
  return row === undefined ? null : toOrganization(row)
}

/** Every organization, by tenant id. */
export async function listOrganizations(database: Queryable): Promise<Organization[]> {
  const query = build.selectFrom('organizations').select(columns).orderBy('tenant_id')
  return ((await run(database, query)).rows as unknown as OrganizationRow[]).map(toOrganization)
}

function toOrganization(row: OrganizationRow): Organization {
  return {
    organizationId: row.id,
    tenantId: row.tenant_id,
    suspended: row.suspended,
    quotas: row.quotas,
    defaults: row.defaults,
    owner: row.owner_uid === null ? null : { uid: row.owner_uid, name: row.owner_name ?? '' },
    reclaimPolicy: row.reclaim_policy,
  }
}

/** Creates the organization, or gives it these properties; its id and tenant id never change. */
export function saveOrganization(
  database: Database,
  organization: Organization,
  actor: string,
): Promise<Organization> {
  return inOrganization(database, organization.organizationId, async (transaction) => {
    const values = {
      suspended: organization.suspended,
      quotas: sql<Record<string, unknown>>`${JSON.stringify(organization.quotas)}::jsonb`,
      defaults: sql<Record<string, unknown>>`${JSON.stringify(organization.defaults)}::jsonb`,
      owner_uid: organization.owner?.uid ?? null,
      owner_name: organization.owner?.name ?? null,
      reclaim_policy: organization.reclaimPolicy,
    }
    const query = build
      .insertInto('organizations')
      .values({ id: organization.organizationId, tenant_id: organization.tenantId, ...values })
      .onConflict((conflict) =>
        conflict.column('tenant_id').doUpdateSet({ ...values, updated_at: sql<Date>`now()` }),
      )
      .returning(columns)
    const row = (await run(transaction, query)).rows[0] as unknown as OrganizationRow
    const saved = toOrganization(row)
    if (saved.organizationId === organization.organizationId) {
      await recordAudit(transaction, saved.organizationId, {
        actor,
        action: 'tenant.save',
        subject: organization.tenantId,
        details: { suspended: saved.suspended, quotas: saved.quotas, defaults: saved.defaults },
      })
    }
    return saved
  })
}

export interface OrganizationUsage {
  readonly topics: number
  readonly partitions: number
  readonly storageBytes: bigint
}

/** What a tenant has, deleted topics left out. */
export function organizationUsage(database: Database, organizationId: string): Promise<OrganizationUsage> {
  return inOrganization(database, organizationId, async (transaction) => {
    const result = await transaction.query<{ topics: number; partitions: number; bytes: bigint }>({
      text: `select count(distinct t.id)::integer as topics, count(p.partition)::integer as partitions,
                    coalesce(sum(p.size_bytes), 0)::bigint as bytes
               from topics t left join partitions p on p.organization_id = t.organization_id and p.topic_id = t.id
              where t.organization_id = $1 and t.deleted_at is null`,
      values: [organizationId],
    })
    const row = result.rows[0]!
    return { topics: row.topics, partitions: row.partitions, storageBytes: row.bytes }
  })
}

/**
 * Removes an organization that has no topics left, not even deleted ones whose records are still kept.
 * @throws StorageError HasDependents
 */
export function deleteOrganization(database: Database, organizationId: string): Promise<void> {
  return inOrganization(database, organizationId, async (transaction) => {
    const topics = await transaction.query<{ name: string }>({
      text: 'select name from topics where organization_id = $1 order by name limit 10',
      values: [organizationId],
    })
    if (topics.rows.length > 0) {
      const names = topics.rows.map((row) => `'${row.name}'`).join(', ')
      throw new StorageError('HasDependents', `Organization ${organizationId} still has topics: ${names}`)
    }
    for (const table of ['group_offsets', 'groups', 'leases'] as const) {
      await run(transaction, build.deleteFrom(table).where('organization_id', '=', organizationId))
    }
    await run(transaction, build.deleteFrom('organizations').where('id', '=', organizationId))
  })
}
