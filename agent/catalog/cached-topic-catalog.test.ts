import { randomUUID } from 'node:crypto'
import {
  type Database,
  DatabaseError,
  type Queryable,
  type QueryResult,
  type Statement,
} from '@streamhouse/platform/database'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { saveOrganization } from '@streamhouse/storage/metadata/organizations'
import { createTopic, deleteTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { CachedTenantDirectory } from '../auth/tenant-directory.ts'
import { CachedTopicCatalog, type CachedTopicCatalogOptions } from './cached-topic-catalog.ts'

let metadata: TestMetadata

beforeAll(async () => {
  metadata = await startMetadata()
})

afterAll(() => metadata.stop())

/** The real database, counted, and away when told so. */
class WatchedDatabase implements Database {
  reads = 0
  away = false
  readonly #inner: Database

  constructor(inner: Database) {
    this.#inner = inner
  }
  query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    this.#enter()
    return this.#inner.query(statement)
  }
  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    this.#enter()
    return this.#inner.transaction(work)
  }
  async close(): Promise<void> {}

  #enter(): void {
    if (this.away) throw new DatabaseError('Unavailable', 'away')
    this.reads++
  }
}

async function setUp(options: Partial<CachedTopicCatalogOptions> = {}) {
  const organizationId = await newOrganization(metadata.database)
  const database = new WatchedDatabase(metadata.database)
  const clock = { now: 0, nowMs: () => 0, monotonicMs: () => clock.now }
  const catalog = new CachedTopicCatalog({ database, clock, defaultsOf: () => ({}), ...options })
  const make = (name: string, config: Record<string, string> = {}) =>
    createTopic(
      metadata.database,
      organizationId,
      { topicId: randomUUID(), name, partitionCount: 1, config },
      'test',
    )
  return { organizationId, database, clock, catalog, make }
}

it('many who ask at once share one look-up, and what it found serves by name and id', async () => {
  const { organizationId, database, catalog, make } = await setUp()
  const topic = await make('a', { 'max.message.bytes': '77' })
  const found = await Promise.all(
    Array.from({ length: 20 }, () => catalog.byName(organizationId, ['a', 'missing'])),
  )
  expect(database.reads).toBe(1)
  expect(found.every((each) => each.get('a')?.topicId === topic.topicId && !each.has('missing'))).toBe(true)
  expect(catalog.cached(organizationId, 'a')!.settings.maxMessageBytes).toBe(77)
  expect(catalog.cachedById(organizationId, topic.topicId)!.name).toBe('a')
  expect((await catalog.byId(organizationId, [topic.topicId])).size).toBe(1)
  expect(database.reads).toBe(1)
})

it('what does not exist is looked up each time, so a new topic is found at once', async () => {
  const { organizationId, catalog, make } = await setUp()
  expect((await catalog.byName(organizationId, ['late'])).size).toBe(0)
  await make('late')
  expect((await catalog.byName(organizationId, ['late'])).size).toBe(1)
})

it('entries in use are refreshed before they are too old, and are not used when that fails', async () => {
  const { organizationId, database, clock, catalog, make } = await setUp()
  const topic = await make('a')
  await catalog.byName(organizationId, ['a'])
  clock.now = 600
  expect(catalog.cached(organizationId, 'a')).toBeDefined()
  await vi.waitFor(() => expect(database.reads).toBe(2))
  await vi.waitFor(() => {
    clock.now = 1_500
    expect(catalog.cached(organizationId, 'a')).toBeDefined()
  })
  await deleteTopic(metadata.database, organizationId, topic.topicId, 0, 'test')
  clock.now = 2_100
  await vi.waitFor(() => expect(catalog.cached(organizationId, 'a')).toBeUndefined())
  database.away = true
  clock.now = 10_000
  await expect(catalog.byName(organizationId, ['a'])).rejects.toThrow('away')
})

it('a look-up that a change overtook is not remembered', async () => {
  const { organizationId, catalog, make } = await setUp()
  await make('a')
  const looking = catalog.byName(organizationId, ['a'])
  catalog.forget(organizationId, 'a')
  expect((await looking).size).toBe(1)
  expect(catalog.cached(organizationId, 'a')).toBeUndefined()
})

it('no more topics are kept than are allowed, and tenants do not see each other', async () => {
  const { organizationId, catalog, make } = await setUp({ maxTopicsPerTenant: 2 })
  for (const name of ['a', 'b', 'c']) await make(name)
  expect(await catalog.all(organizationId)).toHaveLength(3)
  const kept = ['a', 'b', 'c'].filter((name) => catalog.cached(organizationId, name) !== undefined)
  expect(kept).toHaveLength(2)
  expect(await catalog.all(randomUUID())).toEqual([])
})

it('a suspended tenant is known for one within the refresh time, with one line in the log', async () => {
  const { database } = await setUp()
  const clock = { now: 0, nowMs: () => 0, monotonicMs: () => clock.now }
  const log = new RecordingLog()
  const directory = new CachedTenantDirectory({ database, clock, log })
  const tenantId = `tenant-${randomUUID()}`
  expect(await directory.resolve(tenantId)).toMatchObject({ refusal: 'Unknown' })
  const organization = {
    organizationId: randomUUID(),
    tenantId,
    suspended: false,
    quotas: {},
    defaults: {},
    owner: null,
    reclaimPolicy: 'Retain',
  } as const
  await saveOrganization(metadata.database, organization, 'test')
  await vi.waitFor(() => {
    clock.now += 2_000
    expect(directory.cached(tenantId)!.refusal).toBeNull()
  })
  await saveOrganization(metadata.database, { ...organization, suspended: true }, 'test')
  await vi.waitFor(() => {
    clock.now += 2_000
    expect(directory.cached(tenantId)!.refusal).toBe('Suspended')
  })
  expect(log.records.map(({ level }) => level)).toEqual(['warn', 'info', 'warn'])
  database.away = true
  clock.now += 30_000
  expect(directory.cached(tenantId)).toBeDefined()
  // A look-up that was under way may still succeed.
  await vi.waitFor(async () => {
    clock.now += 60_000
    await expect(directory.resolve(tenantId)).rejects.toThrow('away')
  })
})
