import { randomUUID } from 'node:crypto'
import type { Database } from '@streamhouse/platform/database'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { migrate } from '@streamhouse/storage/metadata/migrate'
import { saveOrganization } from '@streamhouse/storage/metadata/organizations'
import { type PostgresServer, startPostgres } from './postgres.ts'

/** A migrated metadata database on a private Postgres. */
export interface TestMetadata {
  readonly server: PostgresServer
  readonly url: string
  /** As the programs use it: no superuser, under row-level security. */
  readonly database: Database
  /** As the owner, who runs migrations. */
  readonly owner: Database
  stop(): Promise<void>
}

export async function startMetadata(): Promise<TestMetadata> {
  const server = await startPostgres()
  const url = await server.createDatabase()
  const owner = new PostgresDatabase({ url, poolMax: 2 })
  await migrate(owner)
  const database = new PostgresDatabase({ url, poolMax: 8, role: 'streamhouse_app' })
  return {
    server,
    url,
    database,
    owner,
    async stop() {
      await database.close()
      await owner.close()
      await server.stop()
    },
  }
}

/** Makes a tenant and gives its organization's id. */
export async function newOrganization(
  database: Database,
  tenantId = `tenant-${randomUUID()}`,
): Promise<string> {
  const organizationId = randomUUID()
  await saveOrganization(
    database,
    {
      organizationId,
      tenantId,
      suspended: false,
      quotas: {},
      defaults: {},
      owner: null,
      reclaimPolicy: 'Retain',
    },
    'test',
  )
  return organizationId
}
