import type { Queryable } from '@streamhouse/platform/database'

/** A producer id that was never given out before. */
export async function allocateProducerId(database: Queryable): Promise<bigint> {
  const result = await database.query<{ id: bigint }>({
    name: 'allocate_producer_id',
    text: `select nextval('producer_ids') as id`,
  })
  return result.rows[0]!.id
}
