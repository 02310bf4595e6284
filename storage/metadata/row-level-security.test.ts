import { randomUUID } from 'node:crypto'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from './migrate.ts'
import { inOrganization } from './tables.ts'
import { createTopic, findTopics } from './topics.ts'

let metadata: TestMetadata

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())

test('every table with an organization is enabled, forced, and has a policy for reading and writing', async () => {
  const tables = await metadata.owner.query<{
    name: string
    enabled: boolean
    forced: boolean
    policies: number
    first: string
  }>({
    text: `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
                  (select count(*)::integer from pg_policy p where p.polrelid = c.oid and p.polqual is not null
                                                             and p.polwithcheck is not null) as policies,
                  (select a2.attname from pg_index i join pg_attribute a2 on a2.attrelid = c.oid and a2.attnum = i.indkey[0]
                    where i.indrelid = c.oid and i.indisprimary) as first
             from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1`,
  })
  expect(tables.rows.map((row) => row.name)).toContain('extents')
  for (const row of tables.rows) {
    expect(row).toEqual({
      name: row.name,
      enabled: true,
      forced: true,
      policies: 1,
      first: 'organization_id',
    })
  }
})

test('the application role owns nothing and cannot bypass', async () => {
  const roles = await metadata.owner.query({
    text: `select rolsuper, rolbypassrls, (select count(*)::integer from pg_class where relowner = r.oid) as owned
             from pg_roles r where rolname = 'streamhouse_app'`,
  })
  expect(roles.rows).toEqual([{ rolsuper: false, rolbypassrls: false, owned: 0 }])
})

test('a tenant sees and changes its own rows only, and without a tenant there are none', async () => {
  const [mine, theirs] = [await newOrganization(metadata.database), await newOrganization(metadata.database)]
  for (const organizationId of [mine, theirs]) {
    const topic = { topicId: randomUUID(), name: 'orders', partitionCount: 1, config: {} }
    await createTopic(metadata.database, organizationId, topic, 'test')
  }
  expect(await findTopics(metadata.database, mine)).toHaveLength(1)
  expect((await metadata.database.query({ text: 'select * from topics' })).rows).toEqual([])
  const changed = await inOrganization(metadata.database, mine, (transaction) =>
    transaction.query({ text: `update topics set name = 'stolen'` }),
  )
  expect(changed.rowCount).toBe(1)
  expect((await findTopics(metadata.database, theirs))[0]!.name).toBe('orders')
  const insert = inOrganization(metadata.database, mine, (transaction) =>
    transaction.query({
      text: 'insert into groups values ($1, $2, 1, null, $3)',
      values: [theirs, 'g', '{}'],
    }),
  )
  await expect(insert).rejects.toMatchObject({ code: 'Rejected', sqlState: '42501' })
})

test('migrations are applied once', async () => {
  expect(await migrate(metadata.owner)).toEqual([])
})
