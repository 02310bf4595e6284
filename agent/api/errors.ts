import { DatabaseError } from '@streamhouse/platform/database'
import { ObjectStoreError } from '@streamhouse/platform/object-store'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { ApiKey } from '@streamhouse/proto/kafka/generated/api-keys'
import { StorageError } from '@streamhouse/storage/errors'
import { AppendError, type AppendErrorCode } from '../write/append.ts'

/** What an API's clients are told when a part of the system is away, such that they try again. */
interface RetryCodes {
  /** Nothing was done. */
  readonly unavailable: number
  /** It may have been done. */
  readonly inDoubt: number
}

const log: RetryCodes = {
  unavailable: ErrorCode.KAFKA_STORAGE_ERROR,
  inDoubt: ErrorCode.KAFKA_STORAGE_ERROR,
}
const coordinator: RetryCodes = {
  unavailable: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  inDoubt: ErrorCode.COORDINATOR_NOT_AVAILABLE,
}
/** Admin clients look the controller up again upon NOT_CONTROLLER and send the request once more; a timeout they report. */
const controller: RetryCodes = {
  unavailable: ErrorCode.NOT_CONTROLLER,
  inDoubt: ErrorCode.REQUEST_TIMED_OUT,
}
const other: RetryCodes = {
  unavailable: ErrorCode.REQUEST_TIMED_OUT,
  inDoubt: ErrorCode.REQUEST_TIMED_OUT,
}

const retryCodes: ReadonlyMap<number, RetryCodes> = new Map([
  // librdkafka takes REQUEST_TIMED_OUT for "possibly persisted" and keeps the message's sequence.
  [ApiKey.Produce, { unavailable: ErrorCode.NOT_LEADER_OR_FOLLOWER, inDoubt: ErrorCode.REQUEST_TIMED_OUT }],
  [ApiKey.Fetch, log],
  [ApiKey.ListOffsets, log],
  [ApiKey.OffsetForLeaderEpoch, log],
  [ApiKey.Metadata, { unavailable: ErrorCode.LEADER_NOT_AVAILABLE, inDoubt: ErrorCode.LEADER_NOT_AVAILABLE }],
  [ApiKey.OffsetCommit, coordinator],
  [ApiKey.OffsetFetch, coordinator],
  [ApiKey.FindCoordinator, coordinator],
  [ApiKey.JoinGroup, coordinator],
  [ApiKey.SyncGroup, coordinator],
  [ApiKey.Heartbeat, coordinator],
  [ApiKey.LeaveGroup, coordinator],
  [ApiKey.DescribeGroups, coordinator],
  [ApiKey.ListGroups, coordinator],
  [ApiKey.DeleteGroups, coordinator],
  [ApiKey.OffsetDelete, coordinator],
  // A producer without a transactional id has no coordinator to look up: with this code it simply asks again.
  [
    ApiKey.InitProducerId,
    {
      unavailable: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      inDoubt: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    },
  ],
  [ApiKey.CreateTopics, controller],
  [ApiKey.DeleteTopics, controller],
  [ApiKey.CreatePartitions, controller],
  [ApiKey.IncrementalAlterConfigs, controller],
  [ApiKey.AlterConfigs, controller],
])

const appendFailures: Readonly<Record<AppendErrorCode, keyof RetryCodes>> = {
  StoreUnavailable: 'unavailable',
  MetadataUnavailable: 'unavailable',
  Closing: 'unavailable',
  InDoubt: 'inDoubt',
}

/** Kafka's code for an error that a handler threw, and whether it is one that running systems meet. */
export interface Failure {
  readonly errorCode: number
  /** False for our own mistakes: they are logged with their stack. */
  readonly expected: boolean
}

/** Chooses the code upon which the clients of this API try again, when that can help, without doing a thing twice. */
export function failureOf(apiKey: number, error: unknown): Failure {
  const retry = retryCodes.get(apiKey) ?? other
  const expected = (errorCode: number): Failure => ({ errorCode, expected: true })
  if (error instanceof DatabaseError && error.retryable) {
    return expected(error.code === 'InDoubt' ? retry.inDoubt : retry.unavailable)
  }
  if (error instanceof ObjectStoreError && error.code !== 'InvalidKey') {
    return expected(apiKey === ApiKey.Produce ? ErrorCode.KAFKA_STORAGE_ERROR : retry.unavailable)
  }
  if (error instanceof AppendError) return expected(retry[appendFailures[error.code]])
  if (error instanceof StorageError) {
    if (error.code === 'UnknownTopic') return expected(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (error.code === 'UnknownOrganization') return expected(refusalCode(apiKey))
    if (error.code === 'CorruptObject') return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, expected: false }
  }
  if (error instanceof Error && error.name === 'AbortError') return expected(ErrorCode.REQUEST_TIMED_OUT)
  // Upon UNKNOWN_SERVER_ERROR producers give the next batches new sequences, and may write twice (KAFKA-14034).
  if (apiKey === ApiKey.Produce) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, expected: false }
  return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, expected: false }
}

const topicKeys: ReadonlySet<number> = new Set([
  ApiKey.Produce,
  ApiKey.Fetch,
  ApiKey.ListOffsets,
  ApiKey.Metadata,
  ApiKey.CreateTopics,
  ApiKey.DeleteTopics,
  ApiKey.DeleteRecords,
  ApiKey.CreatePartitions,
  ApiKey.DescribeConfigs,
  ApiKey.IncrementalAlterConfigs,
  ApiKey.AlterConfigs,
  ApiKey.OffsetForLeaderEpoch,
])

const groupKeys: ReadonlySet<number> = new Set([
  ApiKey.OffsetCommit,
  ApiKey.OffsetFetch,
  ApiKey.FindCoordinator,
  ApiKey.JoinGroup,
  ApiKey.SyncGroup,
  ApiKey.Heartbeat,
  ApiKey.LeaveGroup,
  ApiKey.DescribeGroups,
  ApiKey.ListGroups,
  ApiKey.DeleteGroups,
  ApiKey.OffsetDelete,
])

/** The code that tells an API's clients that they may not be here: final for all of them, they do not try again. */
export function refusalCode(apiKey: number): number {
  if (topicKeys.has(apiKey)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED
  if (groupKeys.has(apiKey)) return ErrorCode.GROUP_AUTHORIZATION_FAILED
  return ErrorCode.CLUSTER_AUTHORIZATION_FAILED
}
