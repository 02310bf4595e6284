import { splitBatches } from '@streamhouse/proto/kafka/codec/record-batch'
import { decodeRecords } from '@streamhouse/proto/kafka/codec/records'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { fetch } from '@streamhouse/proto/kafka/generated/01-fetch'
import { listOffsets } from '@streamhouse/proto/kafka/generated/02-list-offsets'
import { partitionName, type ReadRecord } from '../history.ts'
import { type Address, type Cluster, requestTimeoutMs } from './cluster.ts'
import { decodeValue } from './values.ts'

/** Where a consumer stands in a partition. */
export interface Position {
  readonly topicName: string
  readonly topicId: string
  readonly index: number
  offset: bigint
}

export interface Fetched {
  readonly position: Position
  readonly errorCode: number
  readonly highWatermark: bigint
  /** From the position on: what lies before it in its batch is left out. */
  readonly records: readonly ReadRecord[]
}

export interface FetchSettings {
  /** From 13 on topics go by id. */
  readonly version: number
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly partitionMaxBytes: number
}

const firstVersionWithTopicIds = 13

/**
 * Polls the positions at one broker.
 * @throws NoAnswer
 */
export async function fetchOnce(
  cluster: Cluster,
  address: Address,
  positions: readonly Position[],
  settings: FetchSettings,
): Promise<Fetched[]> {
  const { version, maxWaitMs, maxBytes, partitionMaxBytes } = settings
  const asked = positions.map((position) => ({ position, fetchOffset: position.offset }))
  const request = {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    sessionEpoch: -1,
    topics: asked.map(({ position: { topicName, topicId, index }, fetchOffset }) => ({
      ...(version >= firstVersionWithTopicIds ? { topicId } : { topic: topicName }),
      partitions: [{ partition: index, fetchOffset, partitionMaxBytes }],
    })),
  }
  const answer = await cluster.call(address, fetch, version, request, maxWaitMs + requestTimeoutMs)
  if (answer.errorCode !== ErrorCode.NONE) return []
  return asked.map(({ position, fetchOffset }, at) => {
    const data = answer.responses[at]!.partitions[0]!
    const { errorCode, highWatermark } = data
    const bytes = Buffer.concat([data.records ?? []].flat())
    return { position, errorCode, highWatermark, records: recordsFrom(bytes, fetchOffset) }
  })
}

function recordsFrom(bytes: Buffer, position: bigint): ReadRecord[] {
  return splitBatches(bytes).batches.flatMap(({ bytes: batch }) =>
    decodeRecords(batch).flatMap(({ offset, value }) =>
      offset < position ? [] : [{ offset, value: decodeValue(value) }],
    ),
  )
}

export const earliest = -2n
export const latest = -1n

/**
 * Asks where a partition begins or ends; null when the broker cannot say now.
 * @throws NoAnswer
 */
export async function offsetAt(
  cluster: Cluster,
  address: Address,
  topicName: string,
  index: number,
  timestamp: bigint,
): Promise<bigint | null> {
  const topics = [{ name: topicName, partitions: [{ partitionIndex: index, timestamp }] }]
  const answer = await cluster.call(address, listOffsets, 7, { replicaId: -1, topics })
  const found = answer.topics[0]?.partitions[0]
  return found === undefined || found.errorCode !== ErrorCode.NONE ? null : found.offset
}

export function nameOf({ topicId, index }: Position) {
  return partitionName(topicId, index)
}
