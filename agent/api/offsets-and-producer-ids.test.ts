import { updateCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { ListOffsetsResponse } from '@streamhouse/proto/kafka/generated/02-list-offsets'
import type { InitProducerIdResponse } from '@streamhouse/proto/kafka/generated/22-init-producer-id'
import { describe, expect, test } from 'vitest'
import { recordsOf } from '../testing/append-batch.ts'
import {
  appendUnjudged,
  ask,
  batchOf,
  listOffset,
  name,
  produce,
  store,
  useAgent,
} from '../testing/log-api.ts'

describe('ListOffsets', () => {
  test('gives the ends, and offsets by time', async () => {
    await produce(batchOf(['a', 'b', 'c'], { records: recordsOf(['a', 'b', 'c'], 1_000n) }))
    expect(await listOffset(-1n)).toMatchObject({ offset: 3n, timestamp: -1n, leaderEpoch: 0 })
    expect(await listOffset(-1n, 2, { isolationLevel: 1 })).toMatchObject({ offset: 3n })
    expect(await listOffset(-2n)).toMatchObject({ offset: 0n })
    expect(await listOffset(-3n)).toMatchObject({ offset: 2n, timestamp: 1_002n })
    expect(await listOffset(-4n)).toMatchObject({ offset: 0n })
    expect(await listOffset(1_001n)).toMatchObject({ offset: 1n, timestamp: 1_001n })
    expect(await listOffset(1_003n)).toMatchObject({ errorCode: 0, offset: -1n, leaderEpoch: -1 })
    for (const nothing of [-5n, -6n]) {
      expect(await listOffset(nothing)).toMatchObject({ errorCode: 0, offset: -1n })
    }
  })

  test.each([
    [-1n, 1],
    [-2n, 1],
    [-3n, 7],
    [-4n, 8],
    [-5n, 9],
    [-6n, 11],
  ])('knows the timestamp %i since version %i', async (timestamp, since) => {
    for (let version = 1; version <= 11; version++) {
      const { errorCode } = await listOffset(timestamp, version)
      expect(errorCode).toBe(version < since ? ErrorCode.UNSUPPORTED_VERSION : 0)
    }
  })

  test.each([-7n, -(2n ** 63n)])('knows no timestamp %i', async (timestamp) => {
    expect((await listOffset(timestamp)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  test('of version 0 gives a list', async () => {
    await produce(batchOf(['a']))
    expect((await listOffset(-1n, 0)).oldStyleOffsets).toEqual([1n])
    expect((await listOffset(-2n, 0)).oldStyleOffsets).toEqual([0n])
  })

  test('answers for what does not exist, each by itself', async () => {
    const partitions = [-1, 0, 2].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    const topics = [
      { name: 'nosuch', partitions: [{ partitionIndex: 0, timestamp: -1n }] },
      { name, partitions },
    ]
    const answer = await ask<ListOffsetsResponse>(2, 11, { replicaId: -1, topics })
    const codes = answer!.topics.map((topic) => topic.partitions.map(({ errorCode }) => errorCode))
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(codes).toEqual([[unknown], [unknown, 0, unknown]])
    const epoch = [{ partitionIndex: 0, timestamp: -1n, currentLeaderEpoch: 5 }]
    expect((await listOffset(-1n, 11, { topics: [{ name, partitions: epoch }] })).errorCode).toBe(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    )
  })

  test('answers for a partition that cannot be read without failing the others', async () => {
    const poison = batchOf(['b'], { compression: 'gzip' })
    poison.fill(0, 61)
    updateCrc(poison)
    await appendUnjudged(poison, 0)
    await produce(batchOf(['a']), 1)
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: 5n }))
    const topics = [{ name, partitions }]
    const codes = async () =>
      (await ask<ListOffsetsResponse>(2, 11, { replicaId: -1, topics }))!.topics[0]!.partitions.map(
        ({ errorCode }) => errorCode,
      )
    expect(await codes()).toEqual([ErrorCode.CORRUPT_MESSAGE, 0])
    useAgent({ tailBytes: 0 })
    store.away = true
    expect(await codes()).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR])
  })
})

describe('InitProducerId', () => {
  const init = (more: object = {}, version = 4) =>
    ask<InitProducerIdResponse>(22, version, { transactionalId: null, transactionTimeoutMs: 1, ...more })

  test('gives every producer another id, with epoch 0, whatever it had before', async () => {
    const ids = new Set<bigint>()
    for (let version = 0; version <= 5; version++) {
      const before = version >= 3 ? { producerId: 7n, producerEpoch: 9 } : {}
      const answer = await init(before, version)
      expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 })
      ids.add(answer!.producerId)
    }
    expect(ids.size).toBe(6)
  })

  test('refuses transactional ids', async () => {
    expect(await init({ transactionalId: 't' })).toMatchObject({
      errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      producerId: -1n,
      producerEpoch: -1,
    })
  })
})
