/**
 * Fetch (key 1), versions 0 to 18.
 *
 * v0-3 get message sets of the format that their clients know (v0-1: magic 0, v2-3: magic 1). v7 on may use fetch sessions
 * (KIP-227); none is ever granted here, so clients send the whole list each time. v13 names topics by id. Partitions share
 * max_bytes in the order asked for, which clients rotate; the first with records gets a batch whatever its size (KIP-74).
 */
import { CodecError } from '@streamhouse/proto/kafka/codec/errors'
import { batchToMessageSet } from '@streamhouse/proto/kafka/codec/message-set'
import { splitBatches } from '@streamhouse/proto/kafka/codec/record-batch'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type FetchPartition,
  type FetchRequest,
  type FetchResponseInput,
  fetch,
  type PartitionDataInput,
} from '@streamhouse/proto/kafka/generated/01-fetch'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import type { FetchedPartition, LongPoll } from '../read/long-poll.ts'
import { leaderEpoch } from '../read/place-batches.ts'
import type { Handler, RequestContext } from './handler.ts'

export interface FetchOptions {
  readonly catalog: TopicCatalog
  readonly longPoll: LongPoll
  /** fetch.max.bytes: no answer holds more records, whatever the client asks for. */
  readonly fetchMaxBytes: number
}

/** A long poll is cut off here, whatever the client asks for. */
const maxWaitLimitMs = 300_000

/** A partition of the request: either refused at once, or to be read. */
interface Wanted {
  readonly partition: FetchPartition
  readonly errorCode: number
  readonly topic: CatalogTopic | null
}

export function fetchHandler(options: FetchOptions): Handler<FetchRequest, FetchResponseInput> {
  return {
    codec: fetch,
    minVersion: 0,
    maxVersion: 18,
    async handle(request, context) {
      if (request.sessionId !== 0 || request.sessionEpoch > 0)
        return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
      const topics = await findTopics(options.catalog, request, context)
      const wanted = request.topics.map((topic, position) =>
        topic.partitions.map((partition) => check(partition, topics[position], context.apiVersion)),
      )
      const readable = wanted.flat().filter((item) => item.errorCode === ErrorCode.NONE)
      const fetched = await options.longPoll.fetch(
        context.tenant.organizationId,
        readable.map(({ partition, topic }) => ({
          topicId: topic!.topicId,
          partition: partition.partition,
          offset: partition.fetchOffset,
          maxBytes: Math.max(partition.partitionMaxBytes, 0),
        })),
        {
          minBytes: readable.length === wanted.flat().length ? request.minBytes : 0,
          maxBytes: Math.min(Math.max(request.maxBytes, 0), options.fetchMaxBytes),
          maxWaitMs: Math.min(Math.max(request.maxWaitMs, 0), maxWaitLimitMs),
          signal: context.signal,
        },
      )
      let next = 0
      return {
        responses: request.topics.map(({ topic, topicId }, position) => ({
          topic,
          topicId,
          partitions: wanted[position]!.map(({ partition, errorCode }) =>
            errorCode === ErrorCode.NONE
              ? present(partition, fetched[next++]!, request, context.apiVersion, options.fetchMaxBytes)
              : refuse(partition, errorCode),
          ),
        })),
      }
    },
    failure: (request, errorCode, context) =>
      context.apiVersion >= 7
        ? { errorCode, responses: [] }
        : {
            responses: request.topics.map(({ topic, partitions }) => ({
              topic,
              partitions: partitions.map((partition) => refuse(partition, errorCode)),
            })),
          },
  }
}

async function findTopics(
  catalog: TopicCatalog,
  request: FetchRequest,
  context: RequestContext,
): Promise<(CatalogTopic | undefined)[]> {
  const { organizationId } = context.tenant
  if (context.apiVersion >= 13) {
    const ids = request.topics.map((topic) => topic.topicId)
    const cached = ids.map((id) => catalog.cachedById(organizationId, id))
    if (cached.every((topic) => topic !== undefined)) return cached
    const found = await catalog.byId(organizationId, ids)
    return ids.map((id) => found.get(id))
  }
  const names = request.topics.map((topic) => topic.topic)
  const cached = names.map((name) => catalog.cached(organizationId, name))
  if (cached.every((topic) => topic !== undefined)) return cached
  const found = await catalog.byName(organizationId, names)
  return names.map((name) => found.get(name))
}

function check(partition: FetchPartition, topic: CatalogTopic | undefined, apiVersion: number): Wanted {
  if (topic === undefined) {
    const errorCode = apiVersion >= 13 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return { partition, errorCode, topic: null }
  }
  if (partition.partition < 0 || partition.partition >= topic.partitionCount) {
    return { partition, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic: null }
  }
  if (partition.currentLeaderEpoch > leaderEpoch) {
    return { partition, errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH, topic: null }
  }
  return { partition, errorCode: ErrorCode.NONE, topic }
}

function refuse(partition: FetchPartition, errorCode: number): PartitionDataInput {
  return { partitionIndex: partition.partition, errorCode, highWatermark: -1n, records: [] }
}

const readCommitted = 1

function present(
  partition: FetchPartition,
  fetched: FetchedPartition,
  { isolationLevel }: FetchRequest,
  apiVersion: number,
  fetchMaxBytes: number,
): PartitionDataInput {
  if (fetched.kind === 'unknownPartition') return refuse(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const bounds = {
    partitionIndex: partition.partition,
    highWatermark: fetched.highWatermark,
    lastStableOffset: fetched.lastStable,
    logStartOffset: fetched.logStart,
    abortedTransactions: isolationLevel === readCommitted ? [] : null,
  }
  if (fetched.kind === 'outOfRange')
    return { ...bounds, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, records: [] }
  if (fetched.kind === 'unreadable')
    return { ...bounds, errorCode: ErrorCode.KAFKA_STORAGE_ERROR, records: [] }
  if (apiVersion > 3) return { ...bounds, records: fetched.pieces }
  const maxBytes = Math.min(partition.partitionMaxBytes, fetchMaxBytes)
  const records = toMessageSets(fetched.pieces, apiVersion >= 2 ? 1 : 0, maxBytes)
  return records === null
    ? { ...bounds, errorCode: ErrorCode.CORRUPT_MESSAGE, records: [] }
    : { ...bounds, records }
}

/** The batches as an old client reads them, the first in any case and then up to `maxBytes`; null when it cannot be read. */
function toMessageSets(pieces: readonly Buffer[], magic: 0 | 1, maxBytes: number): Buffer[] | null {
  const sets: Buffer[] = []
  let left = maxBytes
  for (const piece of pieces) {
    for (const { bytes } of splitBatches(piece).batches) {
      if (left <= 0) return sets
      try {
        const set = batchToMessageSet(bytes, magic)
        left -= set.length
        sets.push(set)
      } catch (error) {
        // A producer's compressed records are looked at here for the first time.
        if (error instanceof CodecError) return sets.length > 0 ? sets : null
        throw error
      }
    }
  }
  return sets
}
