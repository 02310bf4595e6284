import { findOrganization } from '@streamhouse/storage/metadata/organizations'
import { findOwnedTopics } from '@streamhouse/storage/metadata/ownership'
import { changeTopicConfig, createTopic, deleteTopic, type Topic } from '@streamhouse/storage/metadata/topics'
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

describe.skipIf(binaries === null)('Topics and Tenants on a real API server', () => {
  let world: World
  let operator: TestOperator
  const apply = (text: string) => world.cluster.kubectl(['apply', '-f', '-'], text)
  const topicIs = (name: string, ready: string, namespace = 'default') =>
    eventually(
      () => see(world.cluster, 'topic', name, namespace),
      (seen) =>
        conditionOf(seen, 'Ready') === ready && seen.status.observedGeneration === seen.metadata.generation,
    )
  const gone = (kind: string, name: string) =>
    eventually(
      () => world.cluster.kubectl(['get', kind, name, '--ignore-not-found']),
      (text) => text === '',
    )
  const organizationId = async () =>
    (await findOrganization(world.metadata.database, 'acme'))?.organizationId ?? ''
  const row = async (name: string): Promise<Topic | undefined> =>
    (await findOwnedTopics(world.metadata.database, await organizationId(), [name]))[0]

  beforeAll(async () => {
    world = await startWorld(binaries ?? '')
    operator = startTestOperator(world, { sweepIntervalMs: 500 })
    await apply(
      manifest('Tenant', 'acme', { defaults: { partitions: 2, config: { 'max.message.bytes': '2000000' } } }),
    )
    await eventually(
      () => see(world.cluster, 'tenant', 'acme'),
      (seen) => conditionOf(seen, 'Ready') === 'True/Reconciled',
    )
  })
  afterAll(async () => {
    await operator?.stop()
    await world?.stop()
  })

  test('a Tenant becomes an organization, with its id and usage in the status', async () => {
    const tenant = await see(world.cluster, 'tenant', 'acme')
    expect(tenant.status.organizationID).toBe(await organizationId())
    expect(tenant.metadata.finalizers).toEqual(['streamhouse.io/tenant'])
    expect(kstatus(tenant)).toBe('Current')
    const organization = await findOrganization(world.metadata.database, 'acme')
    expect(organization).toMatchObject({ suspended: false, defaults: { partitions: 2 } })
  })

  test('a Topic becomes a topic with its partitions and configs, and shows them in its columns', async () => {
    await apply(
      manifest('Topic', 'orders', {
        tenantRef: { name: 'acme' },
        partitions: 3,
        retention: { time: '7d', bytes: '1Gi' },
      }),
    )
    const topic = await topicIs('orders', 'True/Reconciled')
    expect(await row('orders')).toMatchObject({
      topicId: topic.status.topicID,
      partitionCount: 3,
      config: {
        'retention.ms': '604800000',
        'retention.bytes': '1073741824',
        'max.message.bytes': '2000000',
      },
    })
    expect(kstatus(topic)).toBe('Current')
    const table = await world.cluster.kubectl(['get', 'sht', 'orders'])
    expect(table).toMatch(/NAME\s+TOPIC\s+TENANT\s+PARTITIONS\s+READY\s+REASON\s+AGE/)
    expect(table).toMatch(/orders\s+orders\s+acme\s+3\s+True\s+Reconciled/)
  })

  test('a Topic that nobody reconciles yet is in progress from its first second', async () => {
    await operator.stop()
    await apply(manifest('Topic', 'early', { tenantRef: { name: 'acme' } }))
    const early = await see(world.cluster, 'topic', 'early')
    expect(conditionOf(early, 'Ready')).toBe('Unknown/Pending')
    expect(kstatus(early)).toBe('InProgress')
    operator = startTestOperator(world, { sweepIntervalMs: 500 })
    const topic = await topicIs('early', 'True/Reconciled')
    expect(topic.status.partitions).toBe(2)
  })

  test('partitions and configs follow the spec, and the API server refuses to shrink them', async () => {
    await apply(
      manifest('Topic', 'orders', {
        tenantRef: { name: 'acme' },
        partitions: 5,
        cleanupPolicy: ['Delete', 'Compact'],
      }),
    )
    const topic = await topicIs('orders', 'True/Reconciled')
    expect(topic.status.partitions).toBe(5)
    expect(await row('orders')).toMatchObject({
      partitionCount: 5,
      config: { 'cleanup.policy': 'compact,delete', 'max.message.bytes': '2000000' },
    })
    const shrunk = apply(manifest('Topic', 'orders', { tenantRef: { name: 'acme' }, partitions: 4 }))
    await expect(shrunk).rejects.toThrow(/partitions may not shrink/)
  })

  test('a changed default of the Tenant reaches its topics', async () => {
    await apply(
      manifest('Tenant', 'acme', { defaults: { partitions: 2, config: { 'max.message.bytes': '3000000' } } }),
    )
    await eventually(
      () => row('orders'),
      (topic) => topic?.config['max.message.bytes'] === '3000000',
    )
    await topicIs('orders', 'True/Reconciled')
  })

  test('a config changed behind the back is reverted', async () => {
    const topic = await row('orders')
    await changeTopicConfig(
      world.metadata.database,
      await organizationId(),
      topic?.topicId ?? '',
      () => ({ 'segment.ms': '1' }),
      'x',
    )
    const startedMs = Date.now()
    await eventually(
      () => row('orders'),
      (now) => now?.config['segment.ms'] === undefined && now?.config['cleanup.policy'] === 'compact,delete',
    )
    expect(Date.now() - startedMs).toBeLessThan(2_000)
    expect(await operator.metric('streamhouse_operator_drift_total')).toBe(1)
    await eventually(
      () => world.cluster.kubectl(['get', 'events', '-n', 'default']),
      (text) => text.includes('DriftReverted'),
    )
  })

  test('a topic deleted behind the back is made again', async () => {
    const before = await row('early')
    await deleteTopic(world.metadata.database, await organizationId(), before?.topicId ?? '', 0, 'x')
    const topic = await eventually(
      () => row('early'),
      (now) => now !== undefined && now.topicId !== before?.topicId,
    )
    await eventually(
      () => see(world.cluster, 'topic', 'early'),
      (seen) => seen.status.topicID === topic?.topicId,
    )
  })

  test('with driftPolicy Report a change is shown and left alone', async () => {
    await apply(
      manifest('Topic', 'reported', { tenantRef: { name: 'acme' }, partitions: 1, driftPolicy: 'Report' }),
    )
    const { status } = await topicIs('reported', 'True/Reconciled')
    await changeTopicConfig(
      world.metadata.database,
      await organizationId(),
      status.topicID ?? '',
      () => ({ 'segment.ms': '9' }),
      'x',
    )
    const drifted = await eventually(
      () => see(world.cluster, 'topic', 'reported'),
      (seen) => conditionOf(seen, 'Drifted') === 'True/DriftReported',
    )
    expect(drifted.status.drift).toContainEqual({ key: 'segment.ms', actual: '9' })
    expect(conditionOf(drifted, 'Ready')).toBe('True/DriftReported')
    expect((await row('reported'))?.config).toEqual({ 'segment.ms': '9' })
  })

  test('a sweep that finds nothing writes nothing to the API server', async () => {
    await topicIs('orders', 'True/Reconciled')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const writes = await operator.metric('streamhouse_operator_status_writes_total')
    const list = async () =>
      (
        JSON.parse(await world.cluster.kubectl(['get', 'topics,tenants', '-A', '-o', 'json'])) as {
          items: Seen[]
        }
      ).items
    const before = (await list()).map(({ metadata }) => metadata.resourceVersion)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect((await list()).map(({ metadata }) => metadata.resourceVersion)).toEqual(before)
    expect(await operator.metric('streamhouse_operator_status_writes_total')).toBe(writes)
  })

  test('the younger of two Topics for one name is refused, and takes over when the older is deleted', async () => {
    const spec = { tenantRef: { name: 'acme' }, topicName: 'shared' }
    await apply(manifest('Topic', 'first', spec))
    await topicIs('first', 'True/Reconciled')
    await apply(manifest('Topic', 'second', spec))
    const loser = await topicIs('second', 'False/Conflict')
    expect(conditionOf(loser, 'Accepted')).toBe('False/Conflict')
    expect(loser.status.conditions.find(({ type }) => type === 'Ready')?.message).toContain(`Topic 'first'`)
    expect(kstatus(loser)).toBe('Failed')
    await world.cluster.kubectl(['delete', 'topic', 'first'])
    await topicIs('second', 'True/Reconciled')
  })

  test('a topic made by somebody else is adopted when it is equal, else only when told to', async () => {
    const topic = { partitionCount: 2, config: { 'max.message.bytes': '3000000' } }
    for (const name of ['equal', 'other']) {
      const id = crypto.randomUUID()
      const config = name === 'other' ? { ...topic.config, 'segment.ms': '5' } : topic.config
      await createTopic(
        world.metadata.database,
        await organizationId(),
        { ...topic, config, name, topicId: id },
        'kafka/x',
      )
    }
    await apply(manifest('Topic', 'equal', { tenantRef: { name: 'acme' } }))
    await apply(manifest('Topic', 'other', { tenantRef: { name: 'acme' } }))
    await topicIs('equal', 'True/Reconciled')
    const refused = await topicIs('other', 'False/Conflict')
    expect(refused.status.conditions[0]?.message).toContain(`segment.ms is '5', should be not set`)
    expect((await row('other'))?.config['segment.ms']).toBe('5')
    await apply(manifest('Topic', 'other', { tenantRef: { name: 'acme' }, adoptionPolicy: 'Always' }))
    await topicIs('other', 'True/Reconciled')
    expect((await row('other'))?.config['segment.ms']).toBeUndefined()
  })

  test('a Topic in another namespace needs the leave of the Tenant', async () => {
    await world.cluster.kubectl(['create', 'namespace', 'guests'])
    const spec = { tenantRef: { name: 'acme', namespace: 'default' } }
    await apply(manifest('Topic', 'guest', spec, { namespace: 'guests' }))
    await topicIs('guest', 'False/RefNotPermitted', 'guests')
    const allowedNamespaces = { from: 'Selector', selector: { matchLabels: { team: 'blue' } } }
    await apply(manifest('Tenant', 'acme', { defaults: { partitions: 2 }, allowedNamespaces }))
    await world.cluster.kubectl(['label', 'namespace', 'guests', 'team=blue'])
    await topicIs('guest', 'True/Reconciled', 'guests')
    await world.cluster.kubectl(['delete', 'namespace', 'guests'])
    expect(await row('guest')).toBeUndefined()
  })

  test('a Topic of an unknown Tenant waits, and goes on when the Tenant comes', async () => {
    await apply(manifest('Topic', 'late', { tenantRef: { name: 'newcomer' } }))
    const waiting = await topicIs('late', 'False/TenantNotFound')
    expect(kstatus(waiting)).toBe('InProgress')
    await apply(manifest('Tenant', 'newcomer', {}))
    await topicIs('late', 'True/Reconciled')
  })

  test('a Tenant with Topics is not deleted before they are', async () => {
    await world.cluster.kubectl(['delete', 'tenant', 'newcomer', '--wait=false'])
    const blocked = await eventually(
      () => see(world.cluster, 'tenant', 'newcomer'),
      (seen) => conditionOf(seen, 'DeletionBlocked') === 'True/HasDependents',
    )
    expect(JSON.stringify(blocked.status)).toContain(`'late'`)
    await world.cluster.kubectl(['delete', 'topic', 'late'])
    await gone('tenant', 'newcomer')
    expect(await findOrganization(world.metadata.database, 'newcomer')).toMatchObject({ owner: null })
  })

  test('a paused Topic is left alone and keeps its Ready', async () => {
    await world.cluster.kubectl(['annotate', 'topic', 'orders', 'streamhouse.io/paused=true'])
    await eventually(
      () => see(world.cluster, 'topic', 'orders'),
      (seen) => conditionOf(seen, 'Paused') !== '',
    )
    await world.cluster.kubectl([
      'patch',
      'topic',
      'orders',
      '--type=merge',
      '-p',
      '{"spec":{"partitions":6}}',
    ])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const paused = await see(world.cluster, 'topic', 'orders')
    expect(conditionOf(paused, 'Ready')).toBe('True/Reconciled')
    expect((await row('orders'))?.partitionCount).toBe(5)
    expect(kstatus(paused)).toBe('InProgress')
    await world.cluster.kubectl(['annotate', 'topic', 'orders', 'streamhouse.io/paused-'])
    const resumed = await topicIs('orders', 'True/Reconciled')
    expect(resumed.status.partitions).toBe(6)
    expect(conditionOf(resumed, 'Paused')).toBe('')
  })

  test('a protected Topic is not deleted until the protection is taken off', async () => {
    await apply(manifest('Topic', 'guarded', { tenantRef: { name: 'acme' }, deletionProtection: true }))
    await topicIs('guarded', 'True/Reconciled')
    await world.cluster.kubectl(['delete', 'topic', 'guarded', '--wait=false'])
    await eventually(
      () => see(world.cluster, 'topic', 'guarded'),
      (seen) => conditionOf(seen, 'DeletionBlocked') === 'True/Protected',
    )
    expect(await row('guarded')).toBeDefined()
    await world.cluster.kubectl([
      'patch',
      'topic',
      'guarded',
      '--type=merge',
      '-p',
      '{"spec":{"deletionProtection":false}}',
    ])
    await gone('topic', 'guarded')
    expect(await row('guarded')).toBeUndefined()
  })

  test('a retained topic outlives its Topic, without an owner', async () => {
    await apply(manifest('Topic', 'kept', { tenantRef: { name: 'acme' }, reclaimPolicy: 'Retain' }))
    const topic = await topicIs('kept', 'True/Reconciled')
    expect(topic.metadata.finalizers).toBeUndefined()
    await world.cluster.kubectl(['delete', 'topic', 'kept'])
    await eventually(
      () => row('kept'),
      (now) => now?.owner === null,
    )
  })

  test('a quota of the Tenant holds back what exceeds it', async () => {
    await apply(manifest('Tenant', 'small', { quotas: { maxPartitions: 3, storageBytes: '1Gi' } }))
    await apply(manifest('Topic', 'fits', { tenantRef: { name: 'small' }, partitions: 2 }))
    await topicIs('fits', 'True/Reconciled')
    await apply(manifest('Topic', 'excess', { tenantRef: { name: 'small' }, partitions: 2 }))
    await topicIs('excess', 'False/QuotaExceeded')
    await apply(manifest('Tenant', 'small', { quotas: { maxPartitions: 4 } }))
    await topicIs('excess', 'True/Reconciled')
  })

  test('deleting a Topic takes the topic from its clients', async () => {
    await world.cluster.kubectl(['delete', 'topic', 'equal'])
    expect(await row('equal')).toBeUndefined()
  })
})
