import type { Database } from '@streamhouse/platform/database'
import { findOrganization } from '@streamhouse/storage/metadata/organizations'
import { inOrganization } from '@streamhouse/storage/metadata/tables'

/** Where a tenant's bytes lie. */
export interface Holdings {
  readonly topics: readonly { readonly name: string; readonly partitions: number; readonly records: bigint }[]
  readonly objects: number
  readonly objectBytes: bigint
  /** Key of the newest object, null when there is none. */
  readonly newestKey: string | null
}

/** Looks up what the tenant has in the metadata; null when there is no such tenant. */
export async function tenantHoldings(database: Database, tenantId: string): Promise<Holdings | null> {
  const organization = await findOrganization(database, tenantId)
  if (organization === null) return null
  return inOrganization(database, organization.organizationId, async (transaction) => {
    const topics = await transaction.query<{ name: string; partitions: number; records: bigint }>({
      text: `select t.name, count(*)::integer as partitions, sum(p.high_watermark - p.log_start)::bigint as records
               from topics t join partitions p on p.organization_id = t.organization_id and p.topic_id = t.id
              where t.deleted_at is null group by t.name order by t.name`,
    })
    const objects = await transaction.query<{ objects: number; bytes: bigint; newest: string | null }>({
      text: `select count(*)::integer as objects, coalesce(sum(size_bytes), 0)::bigint as bytes,
                    (select key from objects order by committed_at desc limit 1) as newest from objects`,
    })
    const { objects: count, bytes, newest } = objects.rows[0]!
    return { topics: topics.rows, objects: count, objectBytes: bytes, newestKey: newest }
  })
}
