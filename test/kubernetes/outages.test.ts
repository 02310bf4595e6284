import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findOrganization } from '@streamhouse/storage/metadata/organizations'
import { findOwnedTopics } from '@streamhouse/storage/metadata/ownership'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conditionOf, kstatus, manifest, type Seen, see } from './manifests.ts'
import {
  eventually,
  findBinaries,
  startTestOperator,
  startWorld,
  type TestOperator,
  type World,
} from './world.ts'

const binaries = await findBinaries()

describe.skipIf(binaries === null)('an operator', () => {
  let world: World
  let operator: TestOperator
  const apply = (text: string) => world.cluster.kubectl(['apply', '-f', '-'], text)
  const topicIs = (name: string, ready: string) => topicIsNow(world, name, ready)
  const gone = (kind: string, name: string) =>
    eventually(
      () => world.cluster.kubectl(['get', kind, name, '--ignore-not-found']),
      (text) => text === '',
    )
  const row = async (name: string) => {
    const organizationId = (await findOrganization(world.metadata.database, 'acme'))?.organizationId ?? ''
    return (await findOwnedTopics(world.metadata.database, organizationId, [name]))[0]
  }

  beforeAll(async () => {
    world = await startWorld(binaries ?? '')
    operator = startTestOperator(world, { sweepIntervalMs: 500 })
    await apply(manifest('Tenant', 'acme', {}))
    for (const name of ['orders', 'early'])
      await apply(manifest('Topic', name, { tenantRef: { name: 'acme' } }))
    for (const name of ['orders', 'early']) await topicIs(name, 'True/Reconciled')
  })
  afterAll(async () => {
    await operator?.stop()
    await world?.stop()
  })

  test('survives kill -9 of Postgres: what was asked meanwhile is done afterwards', async () => {
    const writes = await operator.metric('streamhouse_operator_status_writes_total')
    await killPostgres(world)
    await apply(manifest('Topic', 'meanwhile', { tenantRef: { name: 'acme' } }))
    const waiting = await topicIsNow(world, 'meanwhile', 'False/MetadataUnavailable')
    expect(kstatus(waiting)).toBe('InProgress')
    expect(conditionOf(await see(world.cluster, 'topic', 'orders'), 'Ready')).toBe('True/Reconciled')
    expect(await operator.metric('streamhouse_operator_db_up')).toBe(0)
    await world.cluster.kubectl(['delete', 'topic', 'early', '--wait=false'])
    await eventually(
      () => see(world.cluster, 'topic', 'early'),
      (seen) => conditionOf(seen, 'DeletionBlocked') === 'True/MetadataUnavailable',
    )
    expect((await operator.metric('streamhouse_operator_status_writes_total')) - writes).toBeLessThanOrEqual(
      4,
    )
    await world.metadata.server.restart()
    await topicIs('meanwhile', 'True/Reconciled')
    await gone('topic', 'early')
    expect(await row('early')).toBeUndefined()
  })

  test('lets go of a Topic that is told so while Postgres is away, and deletes its topic afterwards', async () => {
    await apply(manifest('Topic', 'forced', { tenantRef: { name: 'acme' } }))
    await topicIs('forced', 'True/Reconciled')
    await killPostgres(world)
    await world.cluster.kubectl(['annotate', 'topic', 'forced', 'streamhouse.io/force-finalize=true'])
    await world.cluster.kubectl(['delete', 'topic', 'forced', '--wait=false'])
    await gone('topic', 'forced')
    await world.metadata.server.restart()
    await eventually(
      () => row('forced'),
      (now) => now === undefined,
    )
  })

  test('misses nothing of an API server that stood still for a while', async () => {
    world.cluster.freeze()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    world.cluster.thaw()
    await apply(manifest('Topic', 'thawed', { tenantRef: { name: 'acme' } }))
    await topicIs('thawed', 'True/Reconciled')
  })

  test('started anew finds every Topic as it should be and writes nothing', async () => {
    await operator.stop()
    const resources = (await world.cluster.kubectl(['get', 'tenants,topics', '-A', '-o', 'name']))
      .trim()
      .split('\n')
    expect(resources.length).toBeGreaterThan(1)
    operator = startTestOperator(world, { sweepIntervalMs: 500 })
    await eventually(
      () => operator.metric('controller_runtime_reconcile_total'),
      (count) => count >= resources.length,
    )
    expect(await operator.metric('streamhouse_operator_status_writes_total', 'Topic')).toBe(0)
  })
})

function topicIsNow(world: World, name: string, ready: string): Promise<Seen> {
  return eventually(
    () => see(world.cluster, 'topic', name),
    (seen) => conditionOf(seen, 'Ready') === ready,
  )
}

/** Kills the server process, which is the parent of the one that answers us. */
async function killPostgres(world: World): Promise<void> {
  const { rows } = await world.metadata.owner.query<{ pid: number }>({
    text: 'select pg_backend_pid() as pid',
  })
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${rows[0]?.pid}/status`, 'utf8'))?.[1]
  process.kill(Number(parent), 'SIGKILL')
  // Its children notice by themselves; wait until they are gone, or a new server refuses the data.
  await eventually(
    async () => execFileSync('ps', ['-o', 'stat=', '-p', String(rows[0]?.pid)], { encoding: 'utf8' }),
    (stat) => stat.startsWith('Z'),
    5_000,
  ).catch(() => undefined)
}
