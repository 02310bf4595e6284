import {
  type FetchPartitionInput,
  type FetchRequestInput,
  fetch,
} from '@streamhouse/proto/kafka/generated/01-fetch'
import { listOffsets } from '@streamhouse/proto/kafka/generated/02-list-offsets'
import { metadata } from '@streamhouse/proto/kafka/generated/03-metadata'
import { errorName, type HostileCase, orClosed, type Scene } from './case.ts'

const noSuchId = 'deadbeef-dead-4ead-8ead-deadbeefdead'
const failsInside = 'UNKNOWN_SERVER_ERROR'
const base = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000 }

async function fetchOne(
  { wire, topic }: Scene,
  partition: Partial<FetchPartitionInput>,
  request: Partial<FetchRequestInput> = {},
): Promise<unknown> {
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000, ...partition }]
  const answer = await wire.call(fetch, 12, { ...base, topics: [{ topic, partitions }], ...request })
  if (answer.errorCode !== 0) return errorName(answer.errorCode)
  const found = answer.responses[0]!.partitions[0]!
  const bytes = found.records?.length ?? 0
  return found.errorCode === 0
    ? `${bytes > 0 ? 'records' : 'nothing'}, end ${found.highWatermark}`
    : errorName(found.errorCode)
}

function fetches(
  name: string,
  partition: Partial<FetchPartitionInput>,
  answer: string,
  request: Partial<FetchRequestInput> = {},
  kafka = answer,
): HostileCase {
  return {
    name: `Fetch: ${name}`,
    answer,
    kafka,
    ask: (scene) => orClosed(fetchOne(scene, partition, request)),
  }
}

function offsets(
  name: string,
  partition: { partitionIndex?: number; timestamp?: bigint; currentLeaderEpoch?: number },
  answer: string,
): HostileCase {
  return {
    name: `ListOffsets: ${name}`,
    answer,
    async ask({ wire, topic }) {
      const partitions = [{ partitionIndex: 0, timestamp: -1n, ...partition }]
      const found = await wire.call(listOffsets, 5, { replicaId: -1, topics: [{ name: topic, partitions }] })
      const { errorCode, offset, timestamp } = found.topics[0]!.partitions[0]!
      return errorCode === 0 ? `${offset} of ${timestamp}` : errorName(errorCode)
    },
  }
}

async function describe(
  { wire }: Scene,
  version: number,
  topic: { name: string | null; topicId?: string },
): Promise<string> {
  const answer = await wire.call(metadata, version, { topics: [topic], allowAutoTopicCreation: false })
  return errorName(answer.topics[0]!.errorCode)
}

/** Reads of what is not there. */
export const readCases: readonly HostileCase[] = [
  fetches('an offset behind the end', { fetchOffset: 4n }, 'OFFSET_OUT_OF_RANGE'),
  fetches('an offset far behind the end', { fetchOffset: 0x7fffffffffffffffn }, 'OFFSET_OUT_OF_RANGE'),
  fetches('a negative offset', { fetchOffset: -5n }, 'OFFSET_OUT_OF_RANGE'),
  fetches('the end', { fetchOffset: 3n }, 'nothing, end 3'),
  fetches('a partition that does not exist', { partition: 99 }, 'UNKNOWN_TOPIC_OR_PARTITION'),
  fetches('a negative partition', { partition: -1 }, 'UNKNOWN_TOPIC_OR_PARTITION'),
  fetches('one byte still brings one batch', { partitionMaxBytes: 1 }, 'records, end 3', { maxBytes: 1 }),
  fetches('zero bytes', { partitionMaxBytes: 0 }, 'records, end 3', { maxBytes: 0 }),
  fetches('negative bytes', { partitionMaxBytes: -1 }, 'records, end 3', { maxBytes: -1 }, failsInside),
  fetches('a leader epoch of the future', { currentLeaderEpoch: 99 }, 'UNKNOWN_LEADER_EPOCH'),
  fetches('a session that does not exist', {}, 'FETCH_SESSION_ID_NOT_FOUND', {
    sessionId: 4711,
    sessionEpoch: 1,
  }),
  fetches('a session epoch without a session', {}, 'FETCH_SESSION_ID_NOT_FOUND', {
    sessionId: 0,
    sessionEpoch: 5,
  }),
  fetches('an isolation level that does not exist', {}, 'records, end 3', { isolationLevel: 9 }, failsInside),
  {
    name: 'Fetch: an unknown topic',
    answer: 'UNKNOWN_TOPIC_OR_PARTITION',
    ask: (scene) => fetchOne({ ...scene, topic: 'no-such-topic' }, {}),
  },
  {
    name: 'Fetch: an unknown topic id',
    answer: 'UNKNOWN_TOPIC_ID',
    async ask({ wire }) {
      const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }]
      const answer = await wire.call(fetch, 13, { ...base, topics: [{ topicId: noSuchId, partitions }] })
      return errorName(answer.responses[0]?.partitions[0]?.errorCode ?? answer.errorCode)
    },
  },
  offsets('the end', {}, '3 of -1'),
  offsets('a time behind the last record', { timestamp: 1_810_000_000_000n }, '-1 of -1'),
  offsets('a time before all', { timestamp: 0n }, '0 of 1710000000000'),
  offsets('a time that means nothing', { timestamp: -99n }, 'UNSUPPORTED_VERSION'),
  offsets('a partition that does not exist', { partitionIndex: 99 }, 'UNKNOWN_TOPIC_OR_PARTITION'),
  offsets('a leader epoch of the future', { currentLeaderEpoch: 99 }, 'UNKNOWN_LEADER_EPOCH'),
  {
    name: 'Metadata: an unknown topic',
    answer: 'UNKNOWN_TOPIC_OR_PARTITION',
    ask: (scene) => describe(scene, 9, { name: 'no-such-topic' }),
  },
  {
    name: 'Metadata: an illegal name',
    answer: 'INVALID_TOPIC_EXCEPTION',
    ask: (scene) => describe(scene, 9, { name: 'a b' }),
  },
  {
    name: 'Metadata: an unknown topic id',
    answer: 'UNKNOWN_TOPIC_ID',
    ask: (scene) => describe(scene, 12, { name: null, topicId: noSuchId }),
  },
]
