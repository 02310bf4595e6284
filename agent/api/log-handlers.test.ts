import { randomUUID } from 'node:crypto'
import { type Database, DatabaseError, type DatabaseErrorCode } from '@streamhouse/platform/database'
import { systemClock } from '@streamhouse/platform/system/clock'
import { readMessageSet } from '@streamhouse/proto/kafka/codec/message-set'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { splitBatches, updateCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { type BatchInput, buildBatch, decodeRecords } from '@streamhouse/proto/kafka/codec/records'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { ProduceResponse } from '@streamhouse/proto/kafka/generated/00-produce'
import type { FetchResponse } from '@streamhouse/proto/kafka/generated/01-fetch'
import type { ListOffsetsResponse } from '@streamhouse/proto/kafka/generated/02-list-offsets'
import type { InitProducerIdResponse } from '@streamhouse/proto/kafka/generated/22-init-producer-id'
import { createTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nobody } from '../auth/tenant.ts'
import { CachedTopicCatalog } from '../catalog/cached-topic-catalog.ts'
import { recordsOf } from '../testing/append-batch.ts'
import { type LogAgent, logAgent, MemoryStore } from '../testing/log-agent.ts'
import { produceHandler } from './00-produce.ts'
import { fetchHandler } from './01-fetch.ts'
import { listOffsetsHandler } from './02-list-offsets.ts'
import { initProducerIdHandler } from './22-init-producer-id.ts'
import type { AnyHandler, RequestContext } from './handler.ts'

let metadata: TestMetadata
let organizationId: string
let topicId: string
let store: MemoryStore
let agent: LogAgent
let handlers: Map<number, AnyHandler>
/** How the metadata fails, while it does. */
let outage: DatabaseErrorCode | null

const name = 'orders'

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())

beforeEach(async () => {
  outage = null
  organizationId = await newOrganization(metadata.database)
  topicId = await newTopic(name)
  store = new MemoryStore()
  useAgent({})
})

async function newTopic(topic: string, config: Record<string, string> = {}): Promise<string> {
  const id = randomUUID()
  const wanted = { topicId: id, name: topic, partitionCount: 2, config }
  await createTopic(metadata.database, organizationId, wanted, 'test')
  return id
}

function useAgent(options: { tailBytes?: number }): void {
  const database: Database = {
    async query(statement) {
      if (outage !== null) throw new DatabaseError(outage, 'away')
      return metadata.database.query(statement)
    },
    transaction: (work) => metadata.database.transaction(work),
    async close() {},
  }
  agent = logAgent(database, store, options)
  const catalog = new CachedTopicCatalog({ database, clock: systemClock, defaultsOf: () => ({}) })
  const all: AnyHandler[] = [
    produceHandler({ catalog, writer: agent.writer, clock: systemClock }),
    fetchHandler({ catalog, longPoll: agent.longPoll, fetchMaxBytes: 1_000_000 }),
    listOffsetsHandler({ catalog, database, lookup: agent.lookup }),
    initProducerIdHandler({ database }),
  ]
  handlers = new Map(all.map((handler) => [handler.codec.key, handler]))
}

/** Sends a request through its codec and gives the answer as the client decodes it; null when there is none. */
async function ask<Response>(key: number, apiVersion: number, request: object): Promise<Response | null> {
  const handler = handlers.get(key)!
  const context: RequestContext = {
    apiVersion,
    clientId: 'test',
    clientHost: '10.0.0.1',
    tenant: { ...nobody, organizationId },
    principal: 'User:ANONYMOUS',
    listenerName: 'kafka',
    signal: new AbortController().signal,
    inOrder: async (enter) => enter(),
  }
  const asked = new Writer()
  handler.codec.encodeRequest(asked, request as never, apiVersion)
  const decoded = handler.codec.decodeRequest(new Reader(asked.finishBuffer()), apiVersion)
  const answer = await handler.handle(decoded, context)
  if (answer === null) return null
  const answered = new Writer()
  handler.codec.encodeResponse(answered, answer, apiVersion)
  return handler.codec.decodeResponse(new Reader(answered.finishBuffer()), apiVersion) as Response
}

const batchOf = (values: string[], options: Partial<BatchInput> = {}) =>
  buildBatch({ records: recordsOf(values, BigInt(systemClock.nowMs())), baseOffset: 0n, ...options })
const request = (records: Buffer | null, index = 0, more: object = {}) => ({
  acks: -1,
  timeoutMs: 1_000,
  topicData: [{ name, topicId, partitionData: [{ index, records }] }],
  ...more,
})

async function produce(records: Buffer | null, index = 0, version = 11, more: object = {}) {
  const answer = await ask<ProduceResponse>(0, version, request(records, index, more))
  return answer!.responses[0]!.partitionResponses[0]!
}

interface Wish {
  partition?: number
  offset?: bigint
  maxBytes?: number
  epoch?: number
}

async function fetch(wish: Wish = {}, version = 12, more: object = {}) {
  const { partition = 0, offset = 0n, maxBytes = 100_000, epoch = -1 } = wish
  const wanted = { partition, fetchOffset: offset, partitionMaxBytes: maxBytes, currentLeaderEpoch: epoch }
  const answer = await ask<FetchResponse>(1, version, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    topics: [{ topic: name, topicId, partitions: [wanted] }],
    ...more,
  })
  return { errorCode: answer!.errorCode, partition: answer!.responses[0]?.partitions[0] }
}

const valuesIn = (records: Buffer | null | undefined) =>
  splitBatches(records!).batches.flatMap(({ bytes }) =>
    decodeRecords(bytes).map(({ value }) => String(value)),
  )

async function listOffset(timestamp: bigint, version = 11, more: object = {}, partitionIndex = 0) {
  const answer = await ask<ListOffsetsResponse>(2, version, {
    replicaId: -1,
    topics: [{ name, partitions: [{ partitionIndex, timestamp, maxNumOffsets: 1 }] }],
    ...more,
  })
  return answer!.topics[0]!.partitions[0]!
}

describe('Produce', () => {
  test.each([0, 1, 2, 3, 7, 9, 12, 13])('version %i appends, and Fetch gives it back', async (version) => {
    expect(await produce(batchOf(['a', 'b']), 1, version)).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await produce(batchOf(['c']), 1, version)).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(valuesIn((await fetch({ partition: 1 })).partition!.records)).toEqual(['a', 'b', 'c'])
  })

  test.each([
    ['an unknown topic', 11, { name: 'nosuch' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown topic id', 13, { topicId: randomUUID() }, ErrorCode.UNKNOWN_TOPIC_ID],
  ])('answers for %s', async (_name, version, topic, errorCode) => {
    const partitionData = [{ index: 0, records: batchOf(['a']) }]
    const answer = await ask<ProduceResponse>(0, version, {
      acks: 1,
      timeoutMs: 1,
      topicData: [
        { name, topicId, partitionData, ...topic },
        { name, topicId, partitionData },
      ],
    })
    const codes = answer!.responses.map(({ partitionResponses }) => partitionResponses[0]!.errorCode)
    expect(codes).toEqual([errorCode, 0])
  })

  test.each([-1, 2, 2 ** 31 - 1, -(2 ** 31)])('answers for partition %i of two', async (index) => {
    const { errorCode } = await produce(batchOf(['a']), index)
    expect(errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  test('refuses a bad batch alone, saying why', async () => {
    const answer = await ask<ProduceResponse>(0, 11, {
      acks: 1,
      timeoutMs: 1,
      topicData: [
        {
          name,
          partitionData: [
            { index: 0, records: null },
            { index: 1, records: batchOf(['a']) },
          ],
        },
      ],
    })
    const [bad, good] = answer!.responses[0]!.partitionResponses
    expect(bad).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1n })
    expect(bad!.errorMessage).toContain('none')
    expect(good).toMatchObject({ errorCode: 0, baseOffset: 0n, errorMessage: null })
  })

  test('judges sequences and epochs', async () => {
    const sequenced = (baseSequence: number, producerEpoch = 0) =>
      produce(batchOf(['a'], { producerId: 900n, producerEpoch, baseSequence }))
    expect(await sequenced(0)).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await sequenced(1)).toMatchObject({ errorCode: 0, baseOffset: 1n })
    expect(await sequenced(0)).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await sequenced(7)).toMatchObject({ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(await sequenced(0, 1)).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(await sequenced(2)).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH })
  })

  test('with acks=0 appends and gives no answer, also to what it refuses', async () => {
    expect(await ask(0, 11, request(batchOf(['quiet']), 0, { acks: 0 }))).toBeNull()
    expect(valuesIn((await fetch()).partition!.records)).toEqual(['quiet'])
    expect(await ask(0, 11, request(null, 0, { acks: 0 }))).toBeNull()
    expect(await ask(0, 11, request(batchOf(['x']), 0, { acks: 0, transactionalId: 't' }))).toBeNull()
  })

  test('refuses other acks and transactional ids, and appends nothing', async () => {
    for (const acks of [2, -2]) {
      const { errorCode } = await produce(batchOf(['a']), 0, 11, { acks })
      expect(errorCode).toBe(ErrorCode.INVALID_REQUIRED_ACKS)
    }
    const { errorCode } = await produce(batchOf(['a']), 0, 11, { transactionalId: 't' })
    expect(errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    expect(store.objects.size).toBe(0)
  })

  test('with LogAppendTime says which time the batch got', async () => {
    await newTopic('stamped', { 'message.timestamp.type': 'LogAppendTime' })
    const answer = await ask<ProduceResponse>(0, 11, {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 'stamped', partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    })
    const { logAppendTimeMs } = answer!.responses[0]!.partitionResponses[0]!
    expect(Math.abs(Number(logAppendTimeMs) - systemClock.nowMs())).toBeLessThan(10_000)
    expect((await produce(batchOf(['a']))).logAppendTimeMs).toBe(-1n)
  })

  test('without topics answers without topics', async () => {
    const answer = await ask<ProduceResponse>(0, 11, { acks: 1, timeoutMs: 1, topicData: [] })
    expect(answer!.responses).toEqual([])
  })

  test('is told to retry while the store or the metadata is away, and nothing was appended', async () => {
    await produce(batchOf(['a']))
    store.away = true
    expect((await produce(batchOf(['b']))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    store.away = false
    outage = 'Unavailable'
    expect((await produce(batchOf(['c']))).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    outage = null
    await produce(batchOf(['d']))
    expect(valuesIn((await fetch()).partition!.records)).toEqual(['a', 'd'])
  })

  test('whose commit stays in doubt is told that it timed out', async () => {
    await produce(batchOf(['a']))
    outage = 'InDoubt'
    expect((await produce(batchOf(['b']))).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT)
  })
})

describe('Fetch', () => {
  test.each([
    ['an unknown topic', 12, { topic: 'nosuch' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown topic id', 13, { topicId: randomUUID() }, ErrorCode.UNKNOWN_TOPIC_ID],
  ])('answers for %s at once', async (_name, version, topic, errorCode) => {
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 }]
    const topics = [{ topic: name, topicId, partitions, ...topic }]
    const { partition } = await fetch({}, version, { topics, maxWaitMs: 20_000 })
    expect(partition).toMatchObject({ errorCode, highWatermark: -1n })
  })

  test.each([
    [{ partition: -1 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [{ partition: 2 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [{ epoch: 1 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
    [{ offset: 5n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    [{ offset: -1n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    [{ offset: 2n ** 63n - 1n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    [{ offset: -(2n ** 63n) }, ErrorCode.OFFSET_OUT_OF_RANGE],
  ] as [Wish, number][])('answers %o at once', async (wish, errorCode) => {
    const { partition } = await fetch(wish, 12, { maxWaitMs: 20_000 })
    expect(partition).toMatchObject({ errorCode })
    expect(partition!.records).toHaveLength(0)
  })

  test.each([0, 1, 2, 3])(
    'version %i gets message sets, from the batch of its offset on',
    async (version) => {
      for (const tailBytes of [1_000_000, 0]) {
        useAgent({ tailBytes })
        const { baseOffset } = await produce(batchOf(['a', 'b'], { compression: 'gzip' }))
        const { partition } = await fetch({ offset: baseOffset + 1n }, version)
        const { messages } = readMessageSet(partition!.records!)
        expect(messages.map(({ value, offset }) => [String(value), offset - baseOffset])).toEqual([
          ['a', 0n],
          ['b', 1n],
        ])
        expect(messages.every(({ timestamp }) => timestamp === -1n)).toBe(version < 2)
      }
    },
  )

  test('of an old version gets no more converted bytes than it asked for, but one batch', async () => {
    const zeros = () => batchOf(['0'.repeat(100_000)], { compression: 'gzip' })
    for (let batch = 0; batch < 20; batch++) await produce(zeros())
    const { partition } = await fetch({ maxBytes: 250_000 }, 3)
    expect(readMessageSet(partition!.records!).messages).toHaveLength(3)
    const one = await fetch({ maxBytes: 1 }, 3)
    expect(readMessageSet(one.partition!.records!).messages).toHaveLength(1)
  })

  test('of an old version is told of compressed records that are none, and gets what lies before them', async () => {
    await produce(batchOf(['a']))
    const poison = batchOf(['b'], { compression: 'gzip' })
    poison.fill(0, 61)
    updateCrc(poison)
    expect((await produce(poison)).errorCode).toBe(0)
    const { partition } = await fetch({}, 3)
    expect(readMessageSet(partition!.records!).messages).toHaveLength(1)
    expect((await fetch({ offset: 1n }, 3)).partition!.errorCode).toBe(ErrorCode.CORRUPT_MESSAGE)
  })

  test.each([0, 1])('at isolation level %i gives the bounds', async (isolationLevel) => {
    await produce(batchOf(['a', 'b']))
    for (const tailBytes of [1_000_000, 0]) {
      useAgent({ tailBytes })
      const { partition } = await fetch({}, 12, { isolationLevel })
      expect(partition).toMatchObject({ highWatermark: 2n, lastStableOffset: 2n, logStartOffset: 0n })
      expect(partition!.abortedTransactions).toEqual(isolationLevel === 1 ? [] : null)
    }
  })

  test('knows no sessions', async () => {
    for (const session of [
      { sessionId: 9, sessionEpoch: 3 },
      { sessionId: 9, sessionEpoch: -1 },
      { sessionEpoch: 3 },
    ]) {
      expect((await fetch({}, 12, session)).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    }
    for (const sessionEpoch of [0, -1]) {
      expect((await fetch({}, 12, { sessionEpoch })).partition!.errorCode).toBe(0)
    }
  })

  test('takes limits of zero and below for zero, and still gives a batch', async () => {
    useAgent({ tailBytes: 0 })
    await produce(batchOf(['a']))
    for (const limit of [0, -1, -(2 ** 31)]) {
      const { partition } = await fetch({ maxBytes: limit }, 12, { maxBytes: limit })
      expect(valuesIn(partition!.records)).toEqual(['a'])
    }
  })

  test('without topics answers at once', async () => {
    const answer = await ask<FetchResponse>(1, 12, {
      maxWaitMs: 20_000,
      minBytes: 1,
      maxBytes: 1,
      topics: [],
    })
    expect(answer!.responses).toEqual([])
  })

  test('is told to retry what the store does not give', async () => {
    await produce(batchOf(['a']))
    useAgent({})
    store.away = true
    const { partition } = await fetch({}, 12, { maxWaitMs: 20_000 })
    expect(partition).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, highWatermark: 1n })
  })
})

describe('ListOffsets', () => {
  test('gives the ends, and offsets by time', async () => {
    await produce(batchOf(['a', 'b', 'c'], { records: recordsOf(['a', 'b', 'c'], 1_000n) }))
    expect(await listOffset(-1n)).toMatchObject({ offset: 3n, timestamp: -1n, leaderEpoch: 0 })
    expect(await listOffset(-1n, 2, { isolationLevel: 1 })).toMatchObject({ offset: 3n })
    expect(await listOffset(-2n)).toMatchObject({ offset: 0n })
    expect(await listOffset(-3n)).toMatchObject({ offset: 2n, timestamp: 1_002n })
    expect(await listOffset(-4n)).toMatchObject({ offset: 0n })
    expect(await listOffset(1_001n)).toMatchObject({ offset: 1n, timestamp: 1_001n })
    expect(await listOffset(1_003n)).toMatchObject({ errorCode: 0, offset: -1n, leaderEpoch: -1 })
    for (const nothing of [-5n, -6n]) {
      expect(await listOffset(nothing)).toMatchObject({ errorCode: 0, offset: -1n })
    }
  })

  test.each([
    [-1n, 1],
    [-2n, 1],
    [-3n, 7],
    [-4n, 8],
    [-5n, 9],
    [-6n, 11],
  ])('knows the timestamp %i since version %i', async (timestamp, since) => {
    for (let version = 1; version <= 11; version++) {
      const { errorCode } = await listOffset(timestamp, version)
      expect(errorCode).toBe(version < since ? ErrorCode.UNSUPPORTED_VERSION : 0)
    }
  })

  test.each([-7n, -(2n ** 63n)])('knows no timestamp %i', async (timestamp) => {
    expect((await listOffset(timestamp)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  test('of version 0 gives a list', async () => {
    await produce(batchOf(['a']))
    expect((await listOffset(-1n, 0)).oldStyleOffsets).toEqual([1n])
    expect((await listOffset(-2n, 0)).oldStyleOffsets).toEqual([0n])
  })

  test('answers for what does not exist, each by itself', async () => {
    const partitions = [-1, 0, 2].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    const topics = [
      { name: 'nosuch', partitions: [{ partitionIndex: 0, timestamp: -1n }] },
      { name, partitions },
    ]
    const answer = await ask<ListOffsetsResponse>(2, 11, { replicaId: -1, topics })
    const codes = answer!.topics.map((topic) => topic.partitions.map(({ errorCode }) => errorCode))
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(codes).toEqual([[unknown], [unknown, 0, unknown]])
    const epoch = [{ partitionIndex: 0, timestamp: -1n, currentLeaderEpoch: 5 }]
    expect((await listOffset(-1n, 11, { topics: [{ name, partitions: epoch }] })).errorCode).toBe(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    )
  })

  test('answers for a partition that cannot be read without failing the others', async () => {
    const poison = batchOf(['b'], { compression: 'gzip' })
    poison.fill(0, 61)
    updateCrc(poison)
    await produce(poison, 0)
    await produce(batchOf(['a']), 1)
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: 5n }))
    const topics = [{ name, partitions }]
    const codes = async () =>
      (await ask<ListOffsetsResponse>(2, 11, { replicaId: -1, topics }))!.topics[0]!.partitions.map(
        ({ errorCode }) => errorCode,
      )
    expect(await codes()).toEqual([ErrorCode.CORRUPT_MESSAGE, 0])
    useAgent({ tailBytes: 0 })
    store.away = true
    expect(await codes()).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR])
  })
})

describe('InitProducerId', () => {
  const init = (more: object = {}, version = 4) =>
    ask<InitProducerIdResponse>(22, version, { transactionalId: null, transactionTimeoutMs: 1, ...more })

  test('gives every producer another id, with epoch 0, whatever it had before', async () => {
    const ids = new Set<bigint>()
    for (let version = 0; version <= 5; version++) {
      const before = version >= 3 ? { producerId: 7n, producerEpoch: 9 } : {}
      const answer = await init(before, version)
      expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 })
      ids.add(answer!.producerId)
    }
    expect(ids.size).toBe(6)
  })

  test('refuses transactional ids', async () => {
    expect(await init({ transactionalId: 't' })).toMatchObject({
      errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      producerId: -1n,
      producerEpoch: -1,
    })
  })
})
