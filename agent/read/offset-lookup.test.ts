import { randomUUID } from 'node:crypto'
import { partitionBounds } from '@streamhouse/storage/metadata/partition-bounds'
import { createTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { appendBatch, recordsOf } from '../testing/append-batch.ts'
import { type LogAgent, logAgent, MemoryStore } from '../testing/log-agent.ts'

let metadata: TestMetadata
let organizationId: string
let topicId: string
let store: MemoryStore
let agent: LogAgent

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())

beforeEach(async () => {
  organizationId = await newOrganization(metadata.database)
  topicId = randomUUID()
  store = new MemoryStore()
  agent = logAgent(metadata.database, store)
  await createTopic(
    metadata.database,
    organizationId,
    { topicId, name: 'orders', partitionCount: 20, config: {} },
    'test',
  )
})

const id = (partition: number) => ({ organizationId, topicId, partition })
const boundsOf = async (partition: number) => (await partitionBounds(metadata.database, [id(partition)]))[0]!

/** Appends a batch whose records have these timestamps. */
function write(timestamps: bigint[], partition = 0, compression: 'none' | 'gzip' = 'none') {
  const records = timestamps.map((timestamp) => ({ ...recordsOf(['x'])[0]!, timestamp }))
  return agent.writer.append(organizationId, [appendBatch(topicId, partition, [], { records, compression })])
}
const since = async (timestampMs: bigint, partition = 0) =>
  agent.lookup.firstSince(id(partition), await boundsOf(partition), timestampMs)

describe('the first record since a time', () => {
  test.each(['none', 'gzip'] as const)(
    'is found within a batch, with compression %s',
    async (compression) => {
      await write([100n, 105n, 103n, 120n], 0, compression)
      await write([130n, 90n, 200n], 0, compression)
      expect(await since(0n)).toEqual({ offset: 0n, timestampMs: 100n })
      expect(await since(101n)).toEqual({ offset: 1n, timestampMs: 105n })
      expect(await since(105n)).toEqual({ offset: 1n, timestampMs: 105n })
      expect(await since(106n)).toEqual({ offset: 3n, timestampMs: 120n })
      expect(await since(121n)).toEqual({ offset: 4n, timestampMs: 130n })
      expect(await since(200n)).toEqual({ offset: 6n, timestampMs: 200n })
      expect(await since(201n)).toBeNull()
      expect(await since(2n ** 63n - 1n)).toBeNull()
    },
  )

  test('is nothing in an empty partition', async () => {
    expect(await since(0n, 7)).toBeNull()
  })

  test('agrees with a look at every record, for timestamps in no order', async () => {
    const timestamps: bigint[] = []
    for (let object = 0; object < 15; object++) {
      const batch = Array.from({ length: 4 }, () => BigInt((timestamps.length * 37 + object * 101) % 500))
      batch.forEach((_, place) => {
        batch[place] = BigInt(((timestamps.length + place) * 137 + object * 61) % 500)
      })
      timestamps.push(...batch)
      await write(batch)
    }
    for (let timestampMs = 0n; timestampMs < 510n; timestampMs += 13n) {
      const offset = timestamps.findIndex((timestamp) => timestamp >= timestampMs)
      expect(await since(timestampMs)).toEqual(
        offset < 0 ? null : { offset: BigInt(offset), timestampMs: timestamps[offset] },
      )
    }
  })
})

describe('the record with the largest timestamp', () => {
  const latest = async (partition = 0) =>
    agent.lookup.latestTimestamp(id(partition), await boundsOf(partition))

  test('is the first of those that share it', async () => {
    await write([10n, 50n, 20n])
    await write([40n, 50n])
    expect(await latest()).toEqual({ offset: 1n, timestampMs: 50n })
    await write([49n, 51n, 51n])
    expect(await latest()).toEqual({ offset: 6n, timestampMs: 51n })
  })

  test('is nothing where there are no records, or none with a timestamp', async () => {
    expect(await latest(7)).toBeNull()
    await write([-1n, -1n], 8)
    expect(await latest(8)).toBeNull()
  })
})

test('many look-ups at once read a few at a time', async () => {
  const partitions = Array.from({ length: 20 }, (_, partition) => partition)
  for (const partition of partitions) await write([5n], partition)
  const found = await Promise.all(partitions.map((partition) => since(5n, partition)))
  expect(found.every((place) => place?.offset === 0n)).toBe(true)
  expect(store.readingMost).toBeLessThanOrEqual(4)
})

test('what cannot be read is an error, not "nothing"', async () => {
  await write([5n])
  store.away = true
  await expect(since(5n)).rejects.toMatchObject({ code: 'Unavailable' })
})
