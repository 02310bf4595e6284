import { randomUUID } from 'node:crypto'
import { type Database, DatabaseError, type DatabaseErrorCode } from '@streamhouse/platform/database'
import { systemClock } from '@streamhouse/platform/system/clock'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { splitBatches } from '@streamhouse/proto/kafka/codec/record-batch'
import { type BatchInput, buildBatch, decodeRecords } from '@streamhouse/proto/kafka/codec/records'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import type { ProduceResponse } from '@streamhouse/proto/kafka/generated/00-produce'
import type { FetchResponse } from '@streamhouse/proto/kafka/generated/01-fetch'
import type { ListOffsetsResponse } from '@streamhouse/proto/kafka/generated/02-list-offsets'
import { createTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { produceHandler } from '../api/00-produce.ts'
import { fetchHandler } from '../api/01-fetch.ts'
import { listOffsetsHandler } from '../api/02-list-offsets.ts'
import { initProducerIdHandler } from '../api/22-init-producer-id.ts'
import type { AnyHandler, RequestContext } from '../api/handler.ts'
import { nobody } from '../auth/tenant.ts'
import { CachedTopicCatalog } from '../catalog/cached-topic-catalog.ts'
import { appendBatch, recordsOf } from './append-batch.ts'
import { type LogAgent, logAgent, MemoryStore } from './log-agent.ts'

let metadata: TestMetadata
let organizationId: string
export let topicId: string
export let store: MemoryStore
let agent: LogAgent
let handlers: Map<number, AnyHandler>
let outage: DatabaseErrorCode | null

/** Makes the metadata fail, or work again with null. */
export function setOutage(code: DatabaseErrorCode | null): void {
  outage = code
}

export const name = 'orders'

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

export async function newTopic(topic: string, config: Record<string, string> = {}): Promise<string> {
  const id = randomUUID()
  const wanted = { topicId: id, name: topic, partitionCount: 2, config }
  await createTopic(metadata.database, organizationId, wanted, 'test')
  return id
}

export function useAgent(options: { tailBytes?: number }): void {
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
export async function ask<Response>(
  key: number,
  apiVersion: number,
  request: object,
): Promise<Response | null> {
  const handler = handlers.get(key)!
  const context: RequestContext = {
    apiVersion,
    clientId: 'test',
    clientHost: '10.0.0.1',
    tenant: { ...nobody, organizationId },
    principal: 'User:ANONYMOUS',
    listenerName: 'kafka',
    signal: new AbortController().signal,
    releaseFrame: () => {},
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

export const batchOf = (values: string[], options: Partial<BatchInput> = {}) =>
  buildBatch({ records: recordsOf(values, BigInt(systemClock.nowMs())), baseOffset: 0n, ...options })
export const request = (records: Buffer | null, index = 0, more: object = {}) => ({
  acks: -1,
  timeoutMs: 1_000,
  topicData: [{ name, topicId, partitionData: [{ index, records }] }],
  ...more,
})

export async function produce(records: Buffer | null, index = 0, version = 11, more: object = {}) {
  const answer = await ask<ProduceResponse>(0, version, request(records, index, more))
  return answer!.responses[0]!.partitionResponses[0]!
}

/** Puts a batch into the log that no produce would let in, as an older agent may have done. */
export async function appendUnjudged(bytes: Buffer, partition = 0): Promise<void> {
  const batch = { ...appendBatch(topicId, partition, ['b']), bytes, compressed: true }
  await agent.writer.append(organizationId, [batch])
}

export interface Wish {
  partition?: number
  offset?: bigint
  maxBytes?: number
  epoch?: number
}

export async function fetch(wish: Wish = {}, version = 12, more: object = {}) {
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

export const valuesIn = (records: Buffer | null | undefined) =>
  splitBatches(records!).batches.flatMap(({ bytes }) =>
    decodeRecords(bytes).map(({ value }) => String(value)),
  )

export async function listOffset(timestamp: bigint, version = 11, more: object = {}, partitionIndex = 0) {
  const answer = await ask<ListOffsetsResponse>(2, version, {
    replicaId: -1,
    topics: [{ name, partitions: [{ partitionIndex, timestamp, maxNumOffsets: 1 }] }],
    ...more,
  })
  return answer!.topics[0]!.partitions[0]!
}
