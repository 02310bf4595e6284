/**
 * OffsetFetch (key 9), versions 0 to 10.
 *
 * v2 lets null topics ask for all, and has a code for the whole group; v7 can ask for stable offsets only (KIP-447), v8
 * asks for many groups (KIP-709), v10 names topics by id. A partition without an offset is answered with -1 and no error.
 */
import { ZERO_UUID } from '@streamhouse/proto/kafka/codec/uuid'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type OffsetFetchRequest,
  type OffsetFetchResponseInput,
  type OffsetFetchResponsePartitionInput,
  offsetFetch,
} from '@streamhouse/proto/kafka/generated/09-offset-fetch'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { FetchedOffset } from '../groups/types.ts'
import type { Handler, RequestContext } from './handler.ts'

const firstVersionWithGroupCode = 2
const firstVersionWithGroups = 8
const firstVersionWithTopicIds = 10

export interface OffsetFetchOptions {
  readonly groups: GroupCoordinator
  readonly catalog: TopicCatalog
}

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

interface AskedGroup {
  readonly groupId: string
  /** Null asks for every offset of the group. */
  readonly topics: readonly AskedTopic[] | null
}

interface AnsweredTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: OffsetFetchResponsePartitionInput[]
}

interface AnsweredGroup {
  readonly groupId: string
  readonly topics: AnsweredTopic[]
  readonly errorCode: number
}

export function offsetFetchHandler(
  options: OffsetFetchOptions,
): Handler<OffsetFetchRequest, OffsetFetchResponseInput> {
  return {
    codec: offsetFetch,
    minVersion: 0,
    maxVersion: 10,
    async handle(request, context) {
      const groups: AnsweredGroup[] = []
      for (const asked of askedGroups(request, context.apiVersion)) {
        groups.push(await fetchGroup(options, asked, request.requireStable, context))
      }
      return answer(groups, context.apiVersion)
    },
    failure(request, errorCode, { apiVersion }) {
      const asked = askedGroups(request, apiVersion)
      return answer(
        asked.map((group) => failed(group, errorCode, apiVersion)),
        apiVersion,
      )
    },
  }
}

function askedGroups(request: OffsetFetchRequest, apiVersion: number): AskedGroup[] {
  if (apiVersion >= firstVersionWithGroups) return request.groups
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return [{ groupId: request.groupId, topics }]
}

async function fetchGroup(
  options: OffsetFetchOptions,
  asked: AskedGroup,
  requireStable: boolean,
  context: RequestContext,
): Promise<AnsweredGroup> {
  const { organizationId } = context.tenant
  const topics = asked.topics && (await lookUp(options.catalog, asked.topics, context))
  const partitions =
    asked.topics?.flatMap(({ partitionIndexes }, index) => {
      const topicId = topics?.[index]?.topicId
      return topicId === undefined ? [] : partitionIndexes.map((partition) => ({ topicId, partition }))
    }) ?? null
  const { groupId } = asked
  const fetched = await options.groups.fetchOffsets({ organizationId, groupId, partitions, requireStable })
  if (fetched.error !== 'NONE') return failed(asked, ErrorCode[fetched.error], context.apiVersion)
  const answered =
    asked.topics && topics
      ? answerAsked(asked.topics, topics, fetched.offsets, context)
      : answerFound(fetched.offsets)
  return { groupId, topics: answered, errorCode: ErrorCode.NONE }
}

async function lookUp(
  catalog: TopicCatalog,
  asked: readonly AskedTopic[],
  { apiVersion, tenant }: RequestContext,
): Promise<(CatalogTopic | undefined)[]> {
  if (apiVersion >= firstVersionWithTopicIds) {
    const ids = asked.map((topic) => topic.topicId)
    const found = await catalog.byId(tenant.organizationId, ids)
    return ids.map((id) => found.get(id))
  }
  const names = asked.map((topic) => topic.name)
  const found = await catalog.byName(tenant.organizationId, names)
  return names.map((name) => found.get(name))
}

/** Unknown names have no offsets; unknown ids are an error of their own. */
function answerAsked(
  asked: readonly AskedTopic[],
  topics: readonly (CatalogTopic | undefined)[],
  offsets: readonly FetchedOffset[],
  { apiVersion }: RequestContext,
): AnsweredTopic[] {
  const found = new Map(offsets.map((offset) => [`${offset.topicId}/${offset.partition}`, offset]))
  const unknown = apiVersion >= firstVersionWithTopicIds ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.NONE
  return asked.map(({ name, topicId, partitionIndexes }, index) => {
    const topic = topics[index]
    const partitions = partitionIndexes.map((partition) => {
      const offset = topic && found.get(`${topic.topicId}/${partition}`)
      return offset ? present(offset) : absent(partition, topic ? ErrorCode.NONE : unknown)
    })
    return { name, topicId, partitions }
  })
}

function answerFound(offsets: readonly FetchedOffset[]): AnsweredTopic[] {
  const topics = new Map<string, AnsweredTopic>()
  for (const offset of offsets) {
    const { topicId, topic: name } = offset
    const topic = topics.get(topicId) ?? { name, topicId, partitions: [] }
    topics.set(topicId, topic)
    topic.partitions.push(present(offset))
  }
  return [...topics.values()]
}

function present(offset: FetchedOffset): OffsetFetchResponsePartitionInput {
  if (offset.error !== 'NONE') return absent(offset.partition, ErrorCode[offset.error])
  return {
    partitionIndex: offset.partition,
    committedOffset: offset.offset,
    committedLeaderEpoch: offset.leaderEpoch,
    metadata: offset.metadata,
    errorCode: ErrorCode.NONE,
  }
}

function absent(partitionIndex: number, errorCode: number): OffsetFetchResponsePartitionInput {
  return { partitionIndex, committedOffset: -1n, committedLeaderEpoch: -1, metadata: '', errorCode }
}

/** Before v2 only partitions have codes. */
function failed(asked: AskedGroup, errorCode: number, apiVersion: number): AnsweredGroup {
  const { groupId } = asked
  if (apiVersion >= firstVersionWithGroupCode) return { groupId, topics: [], errorCode }
  const topics = (asked.topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => absent(partition, errorCode)),
  }))
  return { groupId, topics, errorCode }
}

function answer(groups: AnsweredGroup[], apiVersion: number): OffsetFetchResponseInput {
  if (apiVersion >= firstVersionWithGroups) return { groups }
  const { topics, errorCode } = groups[0]!
  return { topics, errorCode }
}
