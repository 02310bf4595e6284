/**
 * Produce (key 0), versions 0 to 13.
 *
 * v0-2 carry message sets, which become record batches here; v3 on exactly one batch of format 2 a partition. v13 names
 * topics by id. acks 0, 1 and all mean the same durability; with 0 there is no answer.
 * Retriable codes are chosen such that no client takes an unknown outcome for a refusal: UNKNOWN_SERVER_ERROR is never
 * given, for clients then assign new sequences and duplicate (KAFKA-14034).
 */

import type { Clock } from '@streamhouse/platform/clock'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type PartitionProduceDataInput,
  type PartitionProduceResponseInput,
  type ProduceRequest,
  type ProduceResponseInput,
  produce,
  type TopicProduceData,
} from '@streamhouse/proto/kafka/generated/00-produce'
import type { CommitOutcome } from '@streamhouse/storage/metadata/commit-object'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import { admitRecords } from '../write/admit-records.ts'
import { type AppendBatch, AppendError, type AppendErrorCode, type AppendResult } from '../write/append.ts'
import type { LogWriter } from '../write/log-writer.ts'
import type { Handler, RequestContext } from './handler.ts'

const outcomeCodes: Readonly<Record<CommitOutcome, number>> = {
  accepted: ErrorCode.NONE,
  duplicate: ErrorCode.NONE,
  outOfOrderSequence: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  producerFenced: ErrorCode.INVALID_PRODUCER_EPOCH,
  unknownPartition: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
}

const appendErrorCodes: Readonly<Record<AppendErrorCode, number>> = {
  StoreUnavailable: ErrorCode.KAFKA_STORAGE_ERROR,
  MetadataUnavailable: ErrorCode.NOT_ENOUGH_REPLICAS,
  InDoubt: ErrorCode.REQUEST_TIMED_OUT,
  Closing: ErrorCode.NOT_LEADER_OR_FOLLOWER,
}

export interface ProduceOptions {
  readonly catalog: TopicCatalog
  readonly writer: LogWriter
  readonly clock: Clock
}

type PartitionAnswer = PartitionProduceResponseInput

/** A request whose batches are in the open object: its partitions' answers, some still to be filled in from `results`. */
interface Admitted {
  readonly request: ProduceRequest
  readonly answers: PartitionAnswer[][]
  readonly batches: AppendBatch[]
  /** For each batch, where its answer goes. */
  readonly places: { readonly topic: number; readonly partition: number; readonly logAppendTimeMs: bigint }[]
  readonly results: Promise<AppendResult[]> | null
}

export function produceHandler(options: ProduceOptions): Handler<ProduceRequest, ProduceResponseInput> {
  return {
    codec: produce,
    minVersion: 0,
    maxVersion: 13,
    async handle(request, context) {
      if (request.acks < -1 || request.acks > 1) {
        return failAll(request, ErrorCode.INVALID_REQUIRED_ACKS)
      }
      if (request.transactionalId !== null) {
        if (request.acks === 0) return null
        return failAll(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
      }
      const admitted = await context.inOrder(() => admit(options, request, context))
      const response = await answer(admitted, context)
      return request.acks === 0 ? null : response
    },
    failure: failAll,
  }
}

function admit(
  options: ProduceOptions,
  request: ProduceRequest,
  context: RequestContext,
): Admitted | Promise<Admitted> {
  const { organizationId } = context.tenant
  const topics = request.topicData.map((topic) =>
    cachedTopic(options.catalog, organizationId, topic, context.apiVersion),
  )
  if (topics.every((topic) => topic !== undefined)) return admitTo(options, request, context, topics)
  return lookUpTopics(options.catalog, organizationId, request, context.apiVersion).then((found) =>
    admitTo(options, request, context, found),
  )
}

function cachedTopic(
  catalog: TopicCatalog,
  organizationId: string,
  topic: TopicProduceData,
  apiVersion: number,
): CatalogTopic | undefined {
  return apiVersion >= 13
    ? catalog.cachedById(organizationId, topic.topicId)
    : catalog.cached(organizationId, topic.name)
}

async function lookUpTopics(
  catalog: TopicCatalog,
  organizationId: string,
  request: ProduceRequest,
  apiVersion: number,
): Promise<(CatalogTopic | undefined)[]> {
  if (apiVersion >= 13) {
    const ids = request.topicData.map((topic) => topic.topicId)
    const found = await catalog.byId(organizationId, ids)
    return ids.map((id) => found.get(id))
  }
  const names = request.topicData.map((topic) => topic.name)
  const found = await catalog.byName(organizationId, names)
  return names.map((name) => found.get(name))
}

function admitTo(
  options: ProduceOptions,
  request: ProduceRequest,
  context: RequestContext,
  topics: readonly (CatalogTopic | undefined)[],
): Admitted {
  const nowMs = BigInt(options.clock.nowMs())
  const batches: AppendBatch[] = []
  const places: Admitted['places'] = []
  const unknownTopic =
    context.apiVersion >= 13 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const answers = request.topicData.map((data, topicIndex) =>
    data.partitionData.map((partition, partitionIndex): PartitionAnswer => {
      const topic = topics[topicIndex]
      if (topic === undefined) return refused(partition, unknownTopic)
      if (partition.index < 0 || partition.index >= topic.partitionCount) {
        return refused(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      }
      const admission = admitRecords(partition.records, topic.settings, context.apiVersion, nowMs)
      if ('errorCode' in admission) return refused(partition, admission.errorCode, admission.message)
      const logAppendTimeMs = topic.settings.timestampType === 'LogAppendTime' ? nowMs : -1n
      batches.push({ topicId: topic.topicId, partition: partition.index, ...admission })
      places.push({ topic: topicIndex, partition: partitionIndex, logAppendTimeMs })
      return { index: partition.index, errorCode: ErrorCode.NONE, baseOffset: -1n }
    }),
  )
  const results = batches.length > 0 ? options.writer.append(context.tenant.organizationId, batches) : null
  results?.catch(() => {}) // awaited by answer()
  return { request, answers, batches, places, results }
}

function refused(
  partition: PartitionProduceDataInput,
  errorCode: number,
  errorMessage?: string,
): PartitionAnswer {
  return { index: partition.index, errorCode, baseOffset: -1n, errorMessage: errorMessage ?? null }
}

async function answer(admitted: Admitted, context: RequestContext): Promise<ProduceResponseInput> {
  const { request, answers, batches, places } = admitted
  let results: AppendResult[] | null = null
  let failure: AppendError | null = null
  try {
    results = await admitted.results
    // After a failure an upload that was given up may still be reading them.
    context.releaseFrame()
  } catch (error) {
    if (!(error instanceof AppendError)) throw error
    failure = error
  }
  for (const [position, place] of places.entries()) {
    const index = batches[position]!.partition
    answers[place.topic]![place.partition] =
      failure === null
        ? accepted(index, results![position]!, place.logAppendTimeMs)
        : { index, errorCode: appendErrorCodes[failure.code], baseOffset: -1n, errorMessage: failure.message }
  }
  return {
    responses: request.topicData.map(({ name, topicId }, position) => ({
      name,
      topicId,
      partitionResponses: answers[position]!,
    })),
  }
}

function accepted(index: number, result: AppendResult, logAppendTimeMs: bigint): PartitionAnswer {
  const errorCode = outcomeCodes[result.outcome]
  const { baseOffset, logStart } = result
  return errorCode === ErrorCode.NONE
    ? { index, errorCode, baseOffset, logAppendTimeMs, logStartOffset: logStart }
    : { index, errorCode, baseOffset: -1n, logStartOffset: logStart }
}

function failAll(request: ProduceRequest, errorCode: number): ProduceResponseInput {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map((partition) => refused(partition, errorCode)),
    })),
  }
}
