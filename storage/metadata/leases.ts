import type { Database } from '@streamhouse/platform/database'
import { inOrganization } from './tables.ts'

/** Who holds a lease: an agent's node id, and which life of it. */
export interface LeaseHolder {
  readonly nodeId: number
  readonly incarnation: string
}

/**
 * Takes the lease when it is free, expired or the holder's own, which keeps its epoch.
 * @returns the epoch, or the node id of the other holder
 */
export async function takeLease(
  database: Database,
  organizationId: string,
  name: string,
  holder: LeaseHolder,
  durationMs: number,
): Promise<{ epoch: bigint } | { holder: number }> {
  const result = await database.query<{ holder: number; epoch: bigint }>({
    name: 'take_lease',
    text: 'select holder, epoch from take_lease($1, $2, $3, $4, $5)',
    values: [organizationId, name, holder.nodeId, holder.incarnation, durationMs],
  })
  const row = result.rows[0]!
  return row.epoch < 0n ? { holder: row.holder } : { epoch: row.epoch }
}

/** Prolongs leases of one tenant; answers, in order, whether the holder still has each. */
export function renewLeases(
  database: Database,
  organizationId: string,
  holder: LeaseHolder,
  leases: readonly { readonly name: string; readonly epoch: bigint }[],
  durationMs: number,
): Promise<boolean[]> {
  return inOrganization(database, organizationId, async (transaction) => {
    const result = await transaction.query<{ name: string }>({
      text: `update leases l set expires_at = clock_timestamp() + $4 * interval '1 ms'
               from unnest($2::text[], $3::bigint[]) as w (name, epoch)
              where l.organization_id = $1 and l.name = w.name and l.epoch = w.epoch and l.incarnation = $5
          returning l.name`,
      values: [
        organizationId,
        leases.map((lease) => lease.name),
        leases.map((lease) => lease.epoch),
        durationMs,
        holder.incarnation,
      ],
    })
    const renewed = new Set(result.rows.map((row) => row.name))
    return leases.map((lease) => renewed.has(lease.name))
  })
}

/** Lets others take the lease at once; harmless when it is another's by now. The epoch stays, so that it goes on growing. */
export function releaseLease(
  database: Database,
  organizationId: string,
  holder: LeaseHolder,
  lease: { readonly name: string; readonly epoch: bigint },
): Promise<void> {
  return inOrganization(database, organizationId, async (transaction) => {
    await transaction.query({
      text: `update leases set expires_at = clock_timestamp()
              where organization_id = $1 and name = $2 and epoch = $3 and incarnation = $4`,
      values: [organizationId, lease.name, lease.epoch, holder.incarnation],
    })
  })
}
