import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { findOrganization } from '@streamhouse/storage/metadata/organizations'
import { findOwnedTopics } from '@streamhouse/storage/metadata/ownership'
import { startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { OperatorMetrics } from './metrics.ts'
import { definitions, type Operator, startOperator } from './run.ts'
import { FolderSource } from './sources/folder/source.ts'

let metadata: TestMetadata
let root: string
let operator: Operator
let log: RecordingLog

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'operator-'))
  mkdirSync(join(root, 'manifests'))
  start()
})
afterEach(async () => {
  await operator.stop()
  rmSync(root, { recursive: true, force: true })
})

function start(): void {
  const system = { clock: systemClock, timers: systemTimers, random: systemRandom }
  log = new RecordingLog()
  const folders = { folder: join(root, 'manifests'), dataFolder: join(root, 'data') }
  const source = new FolderSource({ ...folders, definitions, log, ...system })
  const metrics = new OperatorMetrics(systemClock)
  operator = startOperator({
    source,
    database: metadata.database,
    log,
    metrics,
    sweepIntervalMs: 300,
    ...system,
  })
}

const header = 'apiVersion: streamhouse.io/v1alpha1\nkind:'
const write = (file: string, text: string) => writeFileSync(join(root, 'manifests', file), text)
const tenant = (name: string, spec = '{}') => `${header} Tenant\nmetadata: {name: ${name}}\nspec: ${spec}\n`
const topic = (name: string, tenantName: string, spec = '') =>
  `${header} Topic\nmetadata: {name: ${name}}\nspec: {tenantRef: {name: ${tenantName}}${spec}}\n`

async function topicsOf(tenantId: string): Promise<Record<string, number>> {
  const organization = await findOrganization(metadata.database, tenantId)
  const topics =
    organization === null ? [] : await findOwnedTopics(metadata.database, organization.organizationId)
  return Object.fromEntries(topics.map(({ name, partitionCount }) => [name, partitionCount]))
}

/** Asks until the answer is the expected one. */
async function becomes<T>(ask: () => Promise<T>, expected: T): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (JSON.stringify(await ask()) === JSON.stringify(expected)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(await ask()).toEqual(expected)
}

test('manifests become topics, follow their changes, and take them along when they go', async () => {
  write('all.yaml', `${tenant('one')}---\n${topic('a', 'one', ', partitions: 3')}---\n${topic('b', 'one')}`)
  await becomes(() => topicsOf('one'), { a: 3, b: 1 })
  write('all.yaml', `${tenant('one', '{suspended: true}')}---\n${topic('a', 'one', ', partitions: 4')}`)
  await becomes(() => topicsOf('one'), { a: 4 })
  await becomes(async () => (await findOrganization(metadata.database, 'one'))?.suspended, true)
  expect(log.records.filter(({ message }) => message === 'Ready').length).toBeGreaterThanOrEqual(3)
})

test('what is removed while nobody looks is removed at the next start, the tenant after its topics', async () => {
  write('tenant.yaml', tenant('two', '{reclaimPolicy: Retain}'))
  write('a.yaml', topic('a', 'two'))
  write('kept.yaml', topic('kept', 'two', ', reclaimPolicy: Retain'))
  await becomes(() => topicsOf('two'), { a: 1, kept: 1 })
  await operator.stop()
  for (const file of ['tenant.yaml', 'a.yaml', 'kept.yaml']) rmSync(join(root, 'manifests', file))
  start()
  await becomes(() => topicsOf('two'), { kept: 1 })
  await becomes(async () => (await findOrganization(metadata.database, 'two'))?.owner ?? null, null)
  const organizationId = (await findOrganization(metadata.database, 'two'))?.organizationId ?? ''
  await becomes(
    async () => (await findOwnedTopics(metadata.database, organizationId))[0]?.owner ?? null,
    null,
  )
})

test('two folders on one database: the second to ask for a tenant is refused', async () => {
  write('tenant.yaml', tenant('three'))
  await becomes(async () => (await findOrganization(metadata.database, 'three')) !== null, true)
  const first = operator
  const firstRoot = root
  root = mkdtempSync(join(tmpdir(), 'operator-'))
  mkdirSync(join(root, 'manifests'))
  write('tenant.yaml', tenant('three', '{suspended: true}'))
  start()
  const refused = async () =>
    log.records.some(({ fields }) => String(fields.detail).includes('a Tenant of another cluster'))
  await becomes(refused, true)
  expect((await findOrganization(metadata.database, 'three'))?.suspended).toBe(false)
  await first.stop()
  rmSync(firstRoot, { recursive: true, force: true })
})

test('an outage of Postgres is waited out', async () => {
  write('tenant.yaml', tenant('four'))
  await becomes(async () => (await findOrganization(metadata.database, 'four')) !== null, true)
  const restarted = metadata.server.restart()
  write('a.yaml', topic('a', 'four', ', partitions: 2'))
  await restarted
  await becomes(() => topicsOf('four').catch(() => ({})), { a: 2 })
})

test('a tenant with the policy Delete goes as soon as the last of its deleted topics is purged', async () => {
  write('all.yaml', `${tenant('five', '{reclaimPolicy: Delete}')}---\n${topic('a', 'five')}`)
  await becomes(() => topicsOf('five'), { a: 1 })
  const organizationId = (await findOrganization(metadata.database, 'five'))?.organizationId ?? ''
  rmSync(join(root, 'manifests', 'all.yaml'))
  await becomes(async () => (await findOrganization(metadata.database, 'five'))?.owner ?? null, null)
  expect((await findOrganization(metadata.database, 'five'))?.suspended).toBe(true)
  for (const table of ['partitions', 'topics']) {
    await metadata.owner.transaction(async (transaction) => {
      await transaction.query({
        text: `select set_config('streamhouse.organization_id', $1, true)`,
        values: [organizationId],
      })
      await transaction.query({
        text: `delete from ${table} where organization_id = $1`,
        values: [organizationId],
      })
    })
  }
  await becomes(() => findOrganization(metadata.database, 'five'), null)
})
