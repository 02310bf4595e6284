/**
 * ListOffsets (key 2), versions 0 to 11.
 *
 * Special timestamps: -1 latest, -2 earliest, -3 the record with the largest timestamp (v7, KIP-734), -4 earliest local (v8,
 * KIP-405), -5 latest tiered (v9, KIP-1005), -6 earliest pending upload (v11). There is one tier, so -4 is -2 and -5 and -6 find nothing. v0 answers with a
 * list of offsets, of which this gives one. With read_committed (v2) latest is the last stable offset.
 */
import type { Database } from '@streamhouse/platform/database'
import { ObjectStoreError } from '@streamhouse/platform/object-store'
import { CodecError } from '@streamhouse/proto/kafka/codec/errors'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type ListOffsetsPartition,
  type ListOffsetsPartitionResponseInput,
  type ListOffsetsRequest,
  type ListOffsetsResponseInput,
  listOffsets,
} from '@streamhouse/proto/kafka/generated/02-list-offsets'
import { StorageError } from '@streamhouse/storage/errors'
import {
  type PartitionBounds,
  type PartitionId,
  partitionBounds,
} from '@streamhouse/storage/metadata/partition-bounds'
import type { TopicCatalog } from '../catalog/topic-catalog.ts'
import type { OffsetLookup, TimedOffset } from '../read/offset-lookup.ts'
import { leaderEpoch } from '../read/place-batches.ts'
import type { Handler, RequestContext } from './handler.ts'

export interface ListOffsetsOptions {
  readonly catalog: TopicCatalog
  readonly database: Database
  readonly lookup: OffsetLookup
}

const special = {
  latest: -1n,
  earliest: -2n,
  maxTimestamp: -3n,
  earliestLocal: -4n,
  latestTiered: -5n,
  earliestPendingUpload: -6n,
} as const

/** The version in which each special timestamp came; older clients asking for it are in error. */
const specialSince = new Map<bigint, number>([
  [special.latest, 0],
  [special.earliest, 0],
  [special.maxTimestamp, 7],
  [special.earliestLocal, 8],
  [special.latestTiered, 9],
  [special.earliestPendingUpload, 11],
])

const readCommitted = 1

export function listOffsetsHandler(
  options: ListOffsetsOptions,
): Handler<ListOffsetsRequest, ListOffsetsResponseInput> {
  return {
    codec: listOffsets,
    minVersion: 0,
    maxVersion: 11,
    async handle(request, context) {
      const { organizationId } = context.tenant
      const names = request.topics.map((topic) => topic.name)
      const topics = await options.catalog.byName(organizationId, names)
      const wanted = request.topics.flatMap((topic) =>
        topic.partitions.map((partition) => {
          const found = topics.get(topic.name)
          const known =
            found !== undefined &&
            partition.partitionIndex >= 0 &&
            partition.partitionIndex < found.partitionCount
          return known
            ? { organizationId, topicId: found.topicId, partition: partition.partitionIndex }
            : null
        }),
      )
      const known = wanted.filter((id) => id !== null)
      const bounds = known.length === 0 ? [] : await partitionBounds(options.database, known)
      let position = 0
      let next = 0
      const answers = request.topics.map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          topic.partitions.map((partition) => {
            const id = wanted[position++]!
            const found = id === null ? null : bounds[next++]!
            if (id === null || found === null) return refuse(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            return answer(options.lookup, partition, id, found, request.isolationLevel, context)
          }),
        ),
      }))
      return { topics: await Promise.all(answers) }
    },
    failure: (request, errorCode) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => refuse(partition, errorCode)),
      })),
    }),
  }
}

async function answer(
  lookup: OffsetLookup,
  partition: ListOffsetsPartition,
  id: PartitionId,
  bounds: PartitionBounds,
  isolationLevel: number,
  context: RequestContext,
): Promise<ListOffsetsPartitionResponseInput> {
  const { timestamp } = partition
  if (partition.currentLeaderEpoch > leaderEpoch) return refuse(partition, ErrorCode.UNKNOWN_LEADER_EPOCH)
  if (timestamp < 0n && (specialSince.get(timestamp) ?? Number.POSITIVE_INFINITY) > context.apiVersion) {
    return refuse(partition, ErrorCode.UNSUPPORTED_VERSION)
  }
  const end = isolationLevel === readCommitted ? bounds.lastStable : bounds.highWatermark
  try {
    const found = await find(lookup, timestamp, id, bounds, end)
    return present(partition, found, context)
  } catch (error) {
    const errorCode = unreadableCode(error)
    if (errorCode === null) throw error
    return refuse(partition, errorCode)
  }
}

/** What keeps one partition's records from being read is no matter of the others. */
function unreadableCode(error: unknown): number | null {
  if (error instanceof CodecError) return ErrorCode.CORRUPT_MESSAGE
  if (error instanceof ObjectStoreError || error instanceof StorageError) return ErrorCode.KAFKA_STORAGE_ERROR
  return null
}

async function find(
  lookup: OffsetLookup,
  timestamp: bigint,
  id: PartitionId,
  bounds: PartitionBounds,
  end: bigint,
): Promise<TimedOffset | null> {
  switch (timestamp) {
    case special.latest:
      return { offset: end, timestampMs: -1n }
    case special.earliest:
    case special.earliestLocal:
      return { offset: bounds.logStart, timestampMs: -1n }
    case special.latestTiered:
    case special.earliestPendingUpload:
      return null
    case special.maxTimestamp:
      return lookup.latestTimestamp(id, bounds)
    default:
      return lookup.firstSince(id, bounds, timestamp)
  }
}

function present(
  partition: ListOffsetsPartition,
  found: TimedOffset | null,
  context: RequestContext,
): ListOffsetsPartitionResponseInput {
  if (context.apiVersion === 0) {
    const oldStyleOffsets = found === null || partition.maxNumOffsets < 1 ? [] : [found.offset]
    return { partitionIndex: partition.partitionIndex, oldStyleOffsets }
  }
  return {
    partitionIndex: partition.partitionIndex,
    timestamp: found?.timestampMs ?? -1n,
    offset: found?.offset ?? -1n,
    leaderEpoch: found === null ? -1 : leaderEpoch,
  }
}

function refuse(partition: ListOffsetsPartition, errorCode: number): ListOffsetsPartitionResponseInput {
  return { partitionIndex: partition.partitionIndex, errorCode }
}
