import { randomUUID } from 'node:crypto'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeWalObject } from '../objects/wal-object.ts'
import { commitObject } from './commit-object.ts'
import { type PartitionId, partitionBounds } from './partition-bounds.ts'
import { createTopic, deleteTopic } from './topics.ts'

let metadata: TestMetadata

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())

async function newTopic(): Promise<PartitionId> {
  const organizationId = await newOrganization(metadata.database)
  const topicId = randomUUID()
  const topic = { topicId, name: 'orders', partitionCount: 2, config: {} }
  await createTopic(metadata.database, organizationId, topic, 'test')
  return { organizationId, topicId, partition: 0 }
}

async function append({ organizationId, topicId, partition }: PartitionId, recordCount: number) {
  const batch = {
    bytes: Buffer.alloc(100),
    compressed: false,
    recordCount,
    maxTimestamp: 5n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
  }
  const partitions = [{ topicId, partition, batches: [batch] }]
  const objectId = randomUUID()
  const { runs, sizeBytes } = await encodeWalObject(partitions, () => false)
  await commitObject(metadata.database, {
    organizationId,
    objectId,
    objectKey: objectId,
    sizeBytes,
    partitions,
    runs,
  })
}

test('of several tenants come in the order asked for, null where there is no such partition', async () => {
  const [a, b, c] = [await newTopic(), await newTopic(), await newTopic()]
  await append(a, 3)
  await append(b, 7)
  await deleteTopic(metadata.database, c.organizationId, c.topicId, 0, 'test')
  const asked = [
    b,
    a,
    { ...a, partition: 9 },
    { ...a, organizationId: b.organizationId },
    { ...a, organizationId: randomUUID() },
    c,
    b,
    { ...b, partition: 1 },
  ]
  const bounds = await partitionBounds(metadata.database, asked)
  expect(bounds.map((each) => each?.highWatermark ?? null)).toEqual([7n, 3n, null, null, null, null, 7n, 0n])
  expect(bounds[0]).toEqual({
    logStart: 0n,
    highWatermark: 7n,
    lastStable: 7n,
    maxTimestamp: 5n,
    maxTimestampAt: 0n,
  })
})

test('of nothing are nothing', async () => {
  expect(await partitionBounds(metadata.database, [])).toEqual([])
})
