/**
 * Metadata (key 3), versions 0 to 13.
 *
 * v0 asks for all topics with an empty list, later ones with null; v1 adds controller and racks, v2 the cluster id, v4 the
 * choice against auto-creation, v8 authorized operations (of the cluster until v10), v10 topic ids, v12 topics by id
 * (KIP-516), v13 an error for the whole answer (KIP-1102).
 * Deviations: a partition has one replica, its leader, for any agent serves any partition; leader epochs are 0. A topic
 * that is created automatically is there in the same answer.
 */
import { ZERO_UUID } from '@streamhouse/proto/kafka/codec/uuid'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type MetadataRequest,
  type MetadataRequestTopic,
  type MetadataResponseInput,
  type MetadataResponseTopicInput,
  metadata,
} from '@streamhouse/proto/kafka/generated/03-metadata'
import type { TopicAdmin } from '../catalog/topic-admin.ts'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import { checkTopicName } from '../catalog/topic-names.ts'
import type { ClusterView } from '../membership/membership.ts'
import {
  type AdvertisedAddressOf,
  allClusterOperations,
  allTopicOperations,
  type Broker,
  brokersOf,
  clusterIdOf,
  controllerOf,
  leadersOf,
  operationsOmitted,
} from './cluster-answers.ts'
import type { Handler, RequestContext } from './handler.ts'
import { refusalCodes } from './topic-refusals.ts'

export interface MetadataOptions {
  readonly catalog: TopicCatalog
  readonly admin: TopicAdmin
  readonly cluster: ClusterView
  readonly advertised: AdvertisedAddressOf
  /** auto.create.topics.enable; true when absent. */
  readonly autoCreateTopics?: boolean
}

const firstVersionWithNullForAll = 1
const firstVersionWithNullNames = 12
const firstVersionWithError = 13
/** Topics that one request may create by asking for them; for the others clients ask again. */
const maxAutoCreated = 1_000

export function metadataHandler(options: MetadataOptions): Handler<MetadataRequest, MetadataResponseInput> {
  return {
    codec: metadata,
    minVersion: 0,
    maxVersion: 13,
    async handle(request, context) {
      const brokers = brokersOf(options.cluster, context.listenerName, options.advertised)
      const operations = request.includeTopicAuthorizedOperations ? allTopicOperations : operationsOmitted
      const wanted = wantedTopics(request, context)
      const topics =
        wanted === null
          ? (await options.catalog.all(context.tenant.organizationId)).map((topic) =>
              describe(topic, brokers, operations),
            )
          : await describeWanted(options, wanted, request, context, brokers, operations)
      return { ...envelope(brokers, request, context), topics }
    },
    failure(request, errorCode, context) {
      const wanted = wantedTopics(request, context)
      // An empty list would say that there are no topics.
      if (wanted === null && context.apiVersion < firstVersionWithError) return null
      const topics = (wanted ?? []).map((topic) => failed(topic, errorCode, context.apiVersion))
      return { brokers: [], topics, errorCode: wanted === null ? errorCode : ErrorCode.NONE }
    },
  }
}

function wantedTopics(request: MetadataRequest, context: RequestContext): MetadataRequestTopic[] | null {
  if (request.topics === null) return null
  return request.topics.length === 0 && context.apiVersion < firstVersionWithNullForAll
    ? null
    : request.topics
}

function envelope(brokers: readonly Broker[], request: MetadataRequest, context: RequestContext) {
  return {
    brokers,
    clusterId: clusterIdOf(context.tenant),
    controllerId: controllerOf(brokers, context.tenant),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? allClusterOperations
      : operationsOmitted,
  }
}

async function describeWanted(
  options: MetadataOptions,
  wanted: readonly MetadataRequestTopic[],
  request: MetadataRequest,
  context: RequestContext,
  brokers: readonly Broker[],
  operations: number,
): Promise<MetadataResponseTopicInput[]> {
  const { organizationId } = context.tenant
  const names = new Set(
    wanted.flatMap(({ name }) => (name === null || checkTopicName(name) !== null ? [] : [name])),
  )
  const ids = wanted.flatMap(({ name, topicId }) => (name === null && topicId !== ZERO_UUID ? [topicId] : []))
  const byName = await options.catalog.byName(organizationId, [...names])
  const byId = await options.catalog.byId(organizationId, ids)
  const create = (options.autoCreateTopics ?? true) && request.allowAutoTopicCreation
  const creation = new AutoCreation(options, context)
  const topics: MetadataResponseTopicInput[] = []
  for (const target of wanted) {
    const { name } = target
    let topic = name === null ? byId.get(target.topicId) : byName.get(name)
    if (topic === undefined && name !== null && names.has(name)) {
      const outcome = create ? await creation.create(name) : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      if (typeof outcome === 'number') {
        topics.push(failed(target, outcome, context.apiVersion))
        continue
      }
      topic = outcome
      byName.set(name, topic)
    }
    topics.push(
      topic === undefined
        ? failed(target, unknownCode(target), context.apiVersion)
        : describe(topic, brokers, operations),
    )
  }
  return topics
}

function unknownCode({ name, topicId }: MetadataRequestTopic): number {
  if (name !== null) return ErrorCode.INVALID_TOPIC_EXCEPTION
  return topicId === ZERO_UUID ? ErrorCode.INVALID_REQUEST : ErrorCode.UNKNOWN_TOPIC_ID
}

/** Creates the topics of one request that clients ask for and that do not exist. */
class AutoCreation {
  readonly #options: MetadataOptions
  readonly #context: RequestContext
  #count = 0

  constructor(options: MetadataOptions, context: RequestContext) {
    this.#options = options
    this.#context = context
  }

  /** The topic, or the code that says why there is none. */
  async create(name: string): Promise<CatalogTopic | number> {
    const { admin, catalog } = this.#options
    const { tenant, principal, signal } = this.#context
    if (signal.aborted || ++this.#count > maxAutoCreated) return ErrorCode.LEADER_NOT_AVAILABLE
    const act = { tenant, principal, validateOnly: false }
    const created = await admin.create({ name, partitionCount: null, config: {} }, act)
    if ('refusal' in created && created.refusal !== 'TopicExists') return refusalCodes[created.refusal]
    const found = (await catalog.byName(tenant.organizationId, [name])).get(name)
    return found ?? ErrorCode.LEADER_NOT_AVAILABLE
  }
}

function describe(
  topic: CatalogTopic,
  brokers: readonly Broker[],
  topicAuthorizedOperations: number,
): MetadataResponseTopicInput {
  const leaderOf = leadersOf(brokers, topic.topicId)
  const partitions = []
  for (let partitionIndex = 0; partitionIndex < topic.partitionCount; partitionIndex++) {
    const leaderId = leaderOf(partitionIndex)
    const nodes = leaderId < 0 ? [] : [leaderId]
    partitions.push({
      errorCode: leaderId < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
      partitionIndex,
      leaderId,
      leaderEpoch: 0,
      replicaNodes: nodes,
      isrNodes: nodes,
    })
  }
  return { name: topic.name, topicId: topic.topicId, partitions, topicAuthorizedOperations }
}

function failed(
  { name, topicId }: MetadataRequestTopic,
  errorCode: number,
  apiVersion: number,
): MetadataResponseTopicInput {
  const shownName = name === null && apiVersion < firstVersionWithNullNames ? '' : name
  return { errorCode, name: shownName, topicId, partitions: [] }
}
