import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, describe } from 'vitest'
import { type GroupStoreFixture, groupStoreContract } from './group-store.contract.ts'
import { MetadataGroupStore } from './metadata-group-store.ts'

let metadata: TestMetadata
let fixture: GroupStoreFixture

beforeAll(async () => {
  metadata = await startMetadata()
  const { database } = metadata
  const [organizationId, otherOrganizationId] = [
    await newOrganization(database),
    await newOrganization(database),
  ]
  const topics = ['orders', 'payments'].map((name) => ({ topicId: randomUUID(), name }))
  for (const topic of topics) {
    await createTopic(database, organizationId, { ...topic, partitionCount: 4, config: {} }, 'test')
  }
  fixture = {
    store: new MetadataGroupStore(database),
    organizationId,
    otherOrganizationId,
    topics,
    first: { nodeId: 1, incarnation: randomUUID() },
    second: { nodeId: 2, incarnation: randomUUID() },
    pass: (ms) => sleep(ms),
  }
})
afterAll(() => metadata.stop())

describe('groups in Postgres', () => groupStoreContract(() => fixture))
