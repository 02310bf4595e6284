import { randomUUID } from 'node:crypto'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeWalObject } from '../objects/wal-object.ts'
import { type CommitBatch, type CommitObject, commitObject } from './commit-object.ts'
import { firstExtentSince, partitionBounds } from './partition-bounds.ts'
import { readLog } from './read-log.ts'
import { createTopic, deleteTopic } from './topics.ts'

let metadata: TestMetadata
let organizationId: string
let topicId: string

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())
beforeEach(async () => {
  organizationId = await newOrganization(metadata.database)
  topicId = randomUUID()
  await createTopic(
    metadata.database,
    organizationId,
    { topicId, name: 'orders', partitionCount: 4, config: {} },
    'test',
  )
})

function batch(recordCount: number, overrides: Partial<CommitBatch> = {}): CommitBatch {
  return {
    bytes: Buffer.alloc(100, recordCount),
    compressed: false,
    recordCount,
    maxTimestamp: 1_000n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    ...overrides,
  }
}

function sequenced(
  producerId: bigint,
  baseSequence: number,
  recordCount: number,
  producerEpoch = 0,
): CommitBatch {
  return batch(recordCount, { producerId, producerEpoch, baseSequence })
}

async function objectOf(partitions: Record<number, CommitBatch[]>, topic = topicId): Promise<CommitObject> {
  const list = Object.entries(partitions).map(([partition, batches]) => ({
    topicId: topic,
    partition: Number(partition),
    batches,
  }))
  const objectId = randomUUID()
  const { runs, sizeBytes } = await encodeWalObject(list, () => false)
  return { organizationId, objectId, objectKey: `test/${objectId}`, sizeBytes, partitions: list, runs }
}

const commit = async (partitions: Record<number, CommitBatch[]>, topic = topicId) =>
  commitObject(metadata.database, await objectOf(partitions, topic))

const at = (partition: number) => ({ organizationId, topicId, partition })
const bounds = async (partition: number) => (await partitionBounds(metadata.database, [at(partition)]))[0]!
const read = async (partition: number, offset: bigint, maxBytes = 1_000_000) =>
  (
    await readLog(metadata.database, organizationId, [{ topicId, partition, offset, maxBytes }], 10_000_000)
  )[0]!

describe('offsets', () => {
  test('of consecutive objects follow one another in each partition', async () => {
    const first = await commit({ 0: [batch(3), batch(2)], 2: [batch(1)] })
    expect(first.map((partition) => partition.batches.map((result) => result.baseOffset))).toEqual([
      [0n, 3n],
      [0n],
    ])
    const second = await commit({ 0: [batch(4)], 1: [batch(7)] })
    expect(second.map((partition) => partition.batches[0]!.baseOffset)).toEqual([5n, 0n])
    expect((await bounds(0)).highWatermark).toBe(9n)
    expect((await bounds(3)).highWatermark).toBe(0n)
  })

  test('of objects committed at once by many connections are gapless and unique', async () => {
    const objects = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        objectOf({ [index % 2]: [batch(2)], 2: [batch(3)], 3: [batch(1)] }),
      ),
    )
    const commits = await Promise.all(objects.map((object) => commitObject(metadata.database, object)))
    const bases = commits.map((result) => result.find((_, slot) => slot === 1)!.batches[0]!.baseOffset)
    expect(bases.sort((a, b) => Number(a - b))).toEqual(
      Array.from({ length: 60 }, (_, index) => BigInt(index * 3)),
    )
    expect((await bounds(3)).highWatermark).toBe(60n)
  })

  test('of the same object, committed again, are the same and nothing is appended', async () => {
    const object = await objectOf({ 0: [batch(3)], 1: [batch(1), batch(1)] })
    const first = await commitObject(metadata.database, object)
    await commit({ 0: [batch(5)] })
    const again = await Promise.all([1, 2, 3].map(() => commitObject(metadata.database, object)))
    for (const answer of again) expect(answer).toEqual(first)
    expect((await bounds(0)).highWatermark).toBe(8n)
  })

  test('of the same object, committed by several connections at once, are given once', async () => {
    const object = await objectOf({ 0: [batch(3)] })
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => commitObject(metadata.database, object)),
    )
    for (const answer of answers) expect(answer[0]!.batches[0]!.baseOffset).toBe(0n)
    expect((await bounds(0)).highWatermark).toBe(3n)
  })

  test('are refused for partitions that do not exist or whose topic is deleted, while others are given', async () => {
    const [known, unknown] = await commit({ 1: [batch(1)], 9: [batch(1)] })
    expect(known!.batches[0]).toEqual({ outcome: 'accepted', baseOffset: 0n })
    expect(unknown!.batches[0]).toEqual({ outcome: 'unknownPartition', baseOffset: -1n })
    await deleteTopic(metadata.database, organizationId, topicId, 0, 'test')
    const [deleted] = await commit({ 1: [batch(1)] })
    expect(deleted!.batches[0]!.outcome).toBe('unknownPartition')
  })

  test('of another tenant cannot be had by naming its topic', async () => {
    const stranger = await newOrganization(metadata.database)
    const object = { ...(await objectOf({ 0: [batch(1)] })), organizationId: stranger }
    const [answer] = await commitObject(metadata.database, object)
    expect(answer!.batches[0]!.outcome).toBe('unknownPartition')
    expect((await bounds(0)).highWatermark).toBe(0n)
  })
})

describe('an idempotent producer', () => {
  const outcomes = async (...batches: CommitBatch[]) =>
    (await commit({ 0: batches }))[0]!.batches.map(({ outcome, baseOffset }) => `${outcome}@${baseOffset}`)

  test('that sends a batch again gets its first offset', async () => {
    expect(await outcomes(sequenced(7n, 0, 2), sequenced(7n, 2, 3))).toEqual(['accepted@0', 'accepted@2'])
    expect(await outcomes(sequenced(7n, 2, 3), sequenced(7n, 0, 2))).toEqual(['duplicate@2', 'duplicate@0'])
    expect((await bounds(0)).highWatermark).toBe(5n)
  })

  test('that sends a batch twice in one object gets one offset', async () => {
    expect(await outcomes(sequenced(7n, 0, 2), sequenced(7n, 0, 2), sequenced(7n, 2, 1))).toEqual([
      'accepted@0',
      'duplicate@0',
      'accepted@2',
    ])
  })

  test('is remembered for five batches, older ones are out of order', async () => {
    for (let sequence = 0; sequence < 6; sequence++) await outcomes(sequenced(7n, sequence, 1))
    expect(await outcomes(sequenced(7n, 1, 1), sequenced(7n, 0, 1))).toEqual([
      'duplicate@1',
      'outOfOrderSequence@-1',
    ])
  })

  test('that leaves a gap is refused until the missing batch has come', async () => {
    await outcomes(sequenced(7n, 0, 1))
    expect(await outcomes(sequenced(7n, 2, 1), sequenced(7n, 1, 1), sequenced(7n, 2, 1))).toEqual([
      'outOfOrderSequence@-1',
      'accepted@1',
      'accepted@2',
    ])
  })

  test('that is unknown begins with sequence 0: a later batch waits for the first', async () => {
    expect(await outcomes(sequenced(7n, 3, 1), sequenced(7n, 0, 3), sequenced(7n, 3, 1))).toEqual([
      'outOfOrderSequence@-1',
      'accepted@0',
      'accepted@3',
    ])
  })

  test('goes on at zero after the largest sequence, also in the middle of a batch', async () => {
    await outcomes(sequenced(7n, 0, 1), sequenced(8n, 0, 1))
    // Two billion records would take a while: the producers are remembered as if they had sent them.
    await metadata.owner.query({
      text: 'update producer_partitions set last_sequences[1] = case producer_id when 7 then 2147483644 else 2147483645 end',
    })
    expect(await outcomes(sequenced(7n, 2_147_483_645, 3), sequenced(7n, 0, 2))).toEqual([
      'accepted@2',
      'accepted@5',
    ])
    expect(await outcomes(sequenced(8n, 2_147_483_646, 4))).toEqual(['accepted@7'])
    expect(await outcomes(sequenced(8n, 2_147_483_646, 4), sequenced(8n, 2, 1))).toEqual([
      'duplicate@7',
      'accepted@11',
    ])
  })

  test('with a new epoch starts at zero and fences the old one', async () => {
    await outcomes(sequenced(7n, 0, 1, 0))
    expect(
      await outcomes(
        sequenced(7n, 5, 1, 1),
        sequenced(7n, 0, 1, 1),
        sequenced(7n, 1, 1, 0),
        sequenced(7n, 1, 1, 1),
      ),
    ).toEqual(['outOfOrderSequence@-1', 'accepted@1', 'producerFenced@-1', 'accepted@2'])
  })

  test('shares a partition with others, in the order of arrival', async () => {
    expect(
      await outcomes(
        sequenced(1n, 0, 1),
        sequenced(2n, 0, 1),
        batch(1),
        sequenced(1n, 1, 1),
        sequenced(2n, 1, 1),
      ),
    ).toEqual(['accepted@0', 'accepted@1', 'accepted@2', 'accepted@3', 'accepted@4'])
    expect(await outcomes(sequenced(1n, 2, 1), sequenced(2n, 2, 1))).toEqual(['accepted@5', 'accepted@6'])
  })
})

describe('extents', () => {
  test('join contiguous accepted batches and are split by refused ones', async () => {
    await commit({ 0: [sequenced(7n, 0, 1), batch(2), sequenced(7n, 5, 1), batch(3), batch(4)] })
    const { extents } = await read(0, 0n)
    expect(
      extents.map((extent) => [extent.baseOffset, extent.lastOffset, extent.sliceStart, extent.sliceLength]),
    ).toEqual([
      [0n, 2n, 0, 200],
      [3n, 9n, 300, 200],
    ])
  })

  test('are found from an offset on, up to the byte budget, at least one', async () => {
    for (let index = 0; index < 10; index++) await commit({ 0: [batch(10)] })
    const middle = await read(0, 35n, 250)
    expect(middle.extents.map((extent) => extent.baseOffset)).toEqual([30n, 40n, 50n])
    expect((await read(0, 0n, 1)).extents).toHaveLength(1)
    expect((await read(0, 100n)).extents).toHaveLength(0)
    expect((await read(0, 101n)).highWatermark).toBe(100n)
  })

  test('are found by time, though timestamps go back and forth', async () => {
    const times = [100n, 300n, 200n, 300n, 500n, 400n]
    for (const maxTimestamp of times) await commit({ 0: [batch(1, { maxTimestamp })] })
    const first = (time: bigint) => firstExtentSince(metadata.database, at(0), time)
    expect(await Promise.all([0n, 100n, 101n, 300n, 301n, 500n, 501n].map(first))).toEqual([
      0n,
      0n,
      1n,
      1n,
      4n,
      4n,
      null,
    ])
    expect(await bounds(0)).toMatchObject({ maxTimestamp: 500n, maxTimestampAt: 4n })
  })

  test('of a long partition are looked up without sorting or scanning it', async () => {
    const plan = await metadata.owner.query<{ 'QUERY PLAN': string }>({
      text: `explain select e.base_offset from extents e join objects o on o.organization_id = e.organization_id and o.id = e.object_id
             where e.organization_id = '${organizationId}' and e.topic_id = '${topicId}' and e.partition = 0 and e.last_offset >= 5
             order by e.organization_id, e.topic_id, e.partition, e.last_offset`,
    })
    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(text).toContain('extents_pkey')
    expect(text).not.toContain('Sort')
  })
})
