import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { findOrganization } from '@streamhouse/storage/metadata/organizations'
import { findTopics } from '@streamhouse/storage/metadata/topics'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentProcess } from '../faults/agent-process.ts'
import { type Child, startChild } from '../servers/child.ts'
import { freePort } from '../servers/free-port.ts'
import { eventually, findBinaries, startWorld, type World } from './world.ts'

const binaries = await findBinaries()
const root = join(import.meta.dirname, '..', '..')
const quickstart = join(root, 'examples', 'quickstart')

describe.skipIf(binaries === null)('The quickstart, applied with kubectl', () => {
  let world: World
  let operator: Child
  let agent: AgentProcess
  let folder: string
  let kafka: Kafka

  beforeAll(async () => {
    world = await startWorld(binaries ?? '')
    folder = await mkdtemp(join(tmpdir(), 'streamhouse-kubernetes-'))
    const flags = {
      '--postgres': world.metadata.url,
      '--kubeconfig': world.cluster.kubeconfigPath,
      '--health-port': '0',
    }
    const args = [join(root, 'operator', 'main.ts'), ...Object.entries(flags).flat()]
    operator = await startChild(process.execPath, args, { cwd: root, env: process.env })
    await operator.printed('Leading', 60_000)
    await world.cluster.kubectl(['apply', '-f', quickstart])
    agent = new AgentProcess({
      postgres: world.metadata.url,
      store: pathToFileURL(join(folder, 'objects')).href,
      kafkaPort: await freePort(),
      flags: ['--tenant', 'quickstart'],
    })
    await agent.start()
    kafka = new Kafka({ brokers: [agent.bootstrap], logLevel: logLevel.ERROR })
  })
  afterAll(async () => {
    await agent?.stop()
    await operator?.stop('SIGTERM')
    await world?.stop()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  test('is Ready, and a Kafka client writes to its topics and reads back', async () => {
    await world.cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'tenant/quickstart'])
    await world.cluster.kubectl([
      'wait',
      '--for=condition=Ready',
      '--timeout=60s',
      'topic/flights',
      'topic/earthquakes',
    ])
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true })
    await producer.connect()
    const values = Array.from({ length: 100 }, (_, number) => `flight ${number}`)
    await producer.send({ topic: 'flights', messages: values.map((value) => ({ key: value, value })) })
    await producer.disconnect()
    const consumer = kafka.consumer({ groupId: 'board' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'flights', fromBeginning: true })
    const read = new Set<string>()
    await consumer.run({ eachMessage: async ({ message }) => void read.add(String(message.value)) })
    await eventually(
      async () => read.size,
      (size) => size === values.length,
    )
    await consumer.disconnect()
    expect([...read].sort()).toEqual([...values].sort())
  })

  test('loses a topic when its Topic is deleted: finalizer done, object gone, clients refused', async () => {
    const finalizers = ['get', 'topic', 'earthquakes', '-o', 'jsonpath={.metadata.finalizers}']
    expect(await world.cluster.kubectl(finalizers)).toContain('streamhouse.io/topic')
    await world.cluster.kubectl(['delete', 'topic', 'earthquakes', '--timeout=60s'])
    const organization = await findOrganization(world.metadata.database, 'quickstart')
    const topics = await findTopics(world.metadata.database, organization!.organizationId)
    expect(topics.map(({ name }) => name)).toEqual(['flights'])
    const admin = kafka.admin()
    await admin.connect()
    await eventually(
      () => admin.listTopics(),
      (names) => names.join() === 'flights',
    )
    await admin.disconnect()
  })
})
