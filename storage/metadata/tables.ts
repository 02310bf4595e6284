import type { Database, Queryable, QueryResult, SqlValue } from '@streamhouse/platform/database'
import {
  type Compilable,
  DummyDriver,
  type Generated,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'

type Json = Record<string, unknown>

/** The tables as Kysely sees them; migrations/ is the truth. json columns are written as text. */
export interface Tables {
  organizations: {
    id: string
    tenant_id: string
    suspended: boolean
    quotas: Json
    defaults: Json
    owner_uid: string | null
    owner_name: string | null
    reclaim_policy: string
    created_at: Generated<Date>
    updated_at: Generated<Date>
  }
  agents: {
    node_id: number
    incarnation: string
    host: string
    port: number
    rack: string | null
    started_at: Generated<Date>
    heartbeat_at: Generated<Date>
  }
  topics: {
    organization_id: string
    id: string
    name: string
    partition_count: number
    config: Record<string, string>
    owner_uid: string | null
    owner_name: string | null
    reclaim_policy: Generated<string>
    created_at: Generated<Date>
    updated_at: Generated<Date>
    deleted_at: Date | null
    purge_after: Date | null
  }
  partitions: {
    organization_id: string
    topic_id: string
    partition: number
    log_start: Generated<bigint>
    high_watermark: Generated<bigint>
    last_stable: Generated<bigint>
    size_bytes: Generated<bigint>
  }
  groups: {
    organization_id: string
    group_id: string
    generation: number
    protocol_type: string | null
    state: Json
    updated_at: Generated<Date>
  }
  group_offsets: {
    organization_id: string
    group_id: string
    topic_id: string
    partition: number
    committed_offset: bigint
    leader_epoch: number
    metadata: string
    committed_at: Generated<Date>
  }
  leases: {
    organization_id: string
    name: string
    holder: number
    incarnation: string
    epoch: bigint
    expires_at: Date
  }
}

/** Builds and types statements; it has no connection, `run` sends what it built. */
export const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** Sends a built statement. */
export function run<Row>(database: Queryable, query: Compilable<Row>): Promise<QueryResult<Row>> {
  const { sql, parameters } = query.compile()
  return database.query<Row>({ text: sql, values: parameters as SqlValue[] })
}

/** Runs `work` in a transaction that sees, and can touch, this organization's rows only. */
export function inOrganization<T>(
  database: Database,
  organizationId: string,
  work: (transaction: Queryable) => Promise<T>,
): Promise<T> {
  return database.transaction(async (transaction) => {
    await transaction.query({
      text: `select set_config('streamhouse.organization_id', $1, true)`,
      values: [organizationId],
    })
    return work(transaction)
  })
}
