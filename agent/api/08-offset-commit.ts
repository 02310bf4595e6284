/**
 * OffsetCommit (key 8), versions 0 to 10.
 *
 * v0 has no membership: it is let in while the group is empty. v7 knows static members (KIP-345), v9 GROUP_ID_NOT_FOUND,
 * v10 names topics by id. Offsets are kept until the group is deleted, so the retention time of v2 to v4 is of no account.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type OffsetCommitRequest,
  type OffsetCommitRequestTopic,
  type OffsetCommitResponseInput,
  offsetCommit,
} from '@streamhouse/proto/kafka/generated/08-offset-commit'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { OffsetToCommit } from '../groups/types.ts'
import type { Handler, RequestContext } from './handler.ts'

const firstVersionWithGroupIdNotFound = 9
const firstVersionWithTopicIds = 10

export interface OffsetCommitOptions {
  readonly groups: GroupCoordinator
  readonly catalog: TopicCatalog
}

export function offsetCommitHandler(
  options: OffsetCommitOptions,
): Handler<OffsetCommitRequest, OffsetCommitResponseInput> {
  return {
    codec: offsetCommit,
    minVersion: 0,
    maxVersion: 10,
    async handle(request, context) {
      const topics = await lookUp(options.catalog, request, context)
      const unknown =
        context.apiVersion >= firstVersionWithTopicIds
          ? ErrorCode.UNKNOWN_TOPIC_ID
          : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      const offsets = request.topics.flatMap((topic, index) => offsetsOf(topic, topics[index]))
      if (offsets.length === 0 && request.topics.length > 0) return answerAll(request, () => unknown)
      const { error, results } = await commit(options.groups, request, context, offsets)
      let next = 0
      return answerAll(request, (topicIndex, partition) => {
        const topic = topics[topicIndex]
        if (topic === undefined) return unknown
        if (!exists(topic, partition)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return ErrorCode[error === 'NONE' ? results[next++]! : error]
      })
    },
    failure: (request, errorCode) => answerAll(request, () => errorCode),
  }
}

function commit(
  groups: GroupCoordinator,
  request: OffsetCommitRequest,
  { apiVersion, tenant }: RequestContext,
  offsets: readonly OffsetToCommit[],
) {
  return groups.commitOffsets({
    organizationId: tenant.organizationId,
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    transactional: false,
    reportsMissingGroup: apiVersion >= firstVersionWithGroupIdNotFound,
    offsets,
  })
}

async function lookUp(
  catalog: TopicCatalog,
  request: OffsetCommitRequest,
  { apiVersion, tenant }: RequestContext,
): Promise<(CatalogTopic | undefined)[]> {
  if (apiVersion >= firstVersionWithTopicIds) {
    const ids = request.topics.map((topic) => topic.topicId)
    const found = await catalog.byId(tenant.organizationId, ids)
    return ids.map((id) => found.get(id))
  }
  const names = request.topics.map((topic) => topic.name)
  const found = await catalog.byName(tenant.organizationId, names)
  return names.map((name) => found.get(name))
}

function offsetsOf(asked: OffsetCommitRequestTopic, topic: CatalogTopic | undefined): OffsetToCommit[] {
  if (topic === undefined) return []
  return asked.partitions
    .filter(({ partitionIndex }) => exists(topic, partitionIndex))
    .map((partition) => ({
      topicId: topic.topicId,
      topic: topic.name,
      partition: partition.partitionIndex,
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata ?? '',
    }))
}

function exists(topic: CatalogTopic, partition: number): boolean {
  return partition >= 0 && partition < topic.partitionCount
}

/** The request's shape with a code for each partition, asked for in order. */
function answerAll(
  request: OffsetCommitRequest,
  codeOf: (topicIndex: number, partition: number) => number,
): OffsetCommitResponseInput {
  const topics = request.topics.map(({ name, topicId, partitions }, topicIndex) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: codeOf(topicIndex, partitionIndex),
    })),
  }))
  return { topics }
}
