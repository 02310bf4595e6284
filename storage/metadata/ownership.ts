import type { Database } from '@streamhouse/platform/database'
import { recordAudit } from './audit.ts'
import type { Organization } from './organizations.ts'
import { inOrganization } from './tables.ts'
import type { Topic } from './topics.ts'

/** A resource that manages a row, and what becomes of the row when the resource is gone. */
export interface Owner {
  readonly uid: string
  /** `source/namespace/name` of the resource. */
  readonly name: string
  readonly reclaimPolicy: 'Retain' | 'Delete'
}

/** A topic as its owner sees it. */
export interface OwnedTopic extends Omit<Topic, 'owner'> {
  readonly owner: Owner | null
}

interface TopicRow {
  id: string
  name: string
  partition_count: number
  config: Record<string, string>
  owner_uid: string | null
  owner_name: string | null
  reclaim_policy: 'Retain' | 'Delete'
}

/** The tenant's topics with their owners; all of them when no names are given. */
export function findOwnedTopics(
  database: Database,
  organizationId: string,
  names?: readonly string[],
): Promise<OwnedTopic[]> {
  return inOrganization(database, organizationId, async (transaction) => {
    const result = await transaction.query<TopicRow>({
      text: `select id, name, partition_count, config, owner_uid, owner_name, reclaim_policy
               from topics
              where organization_id = $1 and deleted_at is null and ($2::text[] is null or name = any($2))
              order by name`,
      values: [organizationId, names ?? null],
    })
    return result.rows.map((row) => ({
      organizationId,
      topicId: row.id,
      name: row.name,
      partitionCount: row.partition_count,
      config: row.config,
      owner: toOwner(row),
    }))
  })
}

/**
 * Makes `owner` the topic's owner, or nobody, if its owner still is the one with the uid `expected`. False when it is not,
 * or the topic is gone.
 */
export function claimTopic(
  database: Database,
  organizationId: string,
  topicId: string,
  claim: { readonly owner: Owner | null; readonly expected: string | null },
  actor: string,
): Promise<boolean> {
  const { owner, expected } = claim
  return inOrganization(database, organizationId, async (transaction) => {
    const result = await transaction.query<{ name: string }>({
      text: `update topics
                set owner_uid = $3, owner_name = $4, reclaim_policy = coalesce($5, reclaim_policy), updated_at = now()
              where organization_id = $1 and id = $2 and deleted_at is null and owner_uid is not distinct from $6
          returning name`,
      values: [
        organizationId,
        topicId,
        owner?.uid ?? null,
        owner?.name ?? null,
        owner?.reclaimPolicy ?? null,
        expected,
      ],
    })
    const [row] = result.rows
    if (row === undefined) return false
    const details = { owner: owner?.name ?? null, reclaimPolicy: owner?.reclaimPolicy ?? null }
    await recordAudit(transaction, organizationId, {
      actor,
      action: 'topic.claim',
      subject: row.name,
      details,
    })
    return true
  })
}

/**
 * Creates the organization, or gives it these properties, if its owner still is the one with the uid `expected`. The id of
 * an organization that exists stays what it is. Null when another resource has come first.
 */
export function claimOrganization(
  database: Database,
  organization: Organization,
  expected: string | null,
  actor: string,
): Promise<{ readonly organizationId: string } | null> {
  return inOrganization(database, organization.organizationId, async (transaction) => {
    const { organizationId, tenantId, suspended, quotas, defaults, owner, reclaimPolicy } = organization
    const result = await transaction.query<{ id: string }>({
      text: `insert into organizations as o
                    (id, tenant_id, suspended, quotas, defaults, owner_uid, owner_name, reclaim_policy)
             values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8)
                 on conflict (tenant_id) do update
                set suspended = excluded.suspended, quotas = excluded.quotas, defaults = excluded.defaults,
                    owner_uid = excluded.owner_uid, owner_name = excluded.owner_name,
                    reclaim_policy = excluded.reclaim_policy, updated_at = now()
              where o.owner_uid is not distinct from $9
          returning id`,
      values: [
        organizationId,
        tenantId,
        suspended,
        JSON.stringify(quotas),
        JSON.stringify(defaults),
        owner?.uid ?? null,
        owner?.name ?? null,
        reclaimPolicy,
        expected,
      ],
    })
    const [row] = result.rows
    if (row === undefined) return null
    await transaction.query({
      text: `select set_config('streamhouse.organization_id', $1, true)`,
      values: [row.id],
    })
    await recordAudit(transaction, row.id, {
      actor,
      action: 'tenant.save',
      subject: tenantId,
      details: { suspended, quotas, defaults, owner: owner?.name ?? null },
    })
    return { organizationId: row.id }
  })
}

function toOwner(row: TopicRow): Owner | null {
  if (row.owner_uid === null) return null
  return { uid: row.owner_uid, name: row.owner_name ?? '', reclaimPolicy: row.reclaim_policy }
}
