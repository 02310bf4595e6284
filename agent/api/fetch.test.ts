import { randomUUID } from 'node:crypto'
import { readMessageSet } from '@streamhouse/proto/kafka/codec/message-set'
import { updateCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { FetchResponse } from '@streamhouse/proto/kafka/generated/01-fetch'
import { describe, expect, test } from 'vitest'
import {
  appendUnjudged,
  ask,
  batchOf,
  fetch,
  name,
  produce,
  store,
  topicId,
  useAgent,
  valuesIn,
  type Wish,
} from '../testing/log-api.ts'

describe('Fetch', () => {
  test.each([
    ['an unknown topic', 12, { topic: 'nosuch' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown topic id', 13, { topicId: randomUUID() }, ErrorCode.UNKNOWN_TOPIC_ID],
  ])('answers for %s at once', async (_name, version, topic, errorCode) => {
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 }]
    const topics = [{ topic: name, topicId, partitions, ...topic }]
    const { partition } = await fetch({}, version, { topics, maxWaitMs: 20_000 })
    expect(partition).toMatchObject({ errorCode, highWatermark: -1n })
  })

  test.each([
    [{ partition: -1 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [{ partition: 2 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [{ epoch: 1 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
    [{ offset: 5n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    [{ offset: -1n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    [{ offset: 2n ** 63n - 1n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    [{ offset: -(2n ** 63n) }, ErrorCode.OFFSET_OUT_OF_RANGE],
  ] as [Wish, number][])('answers %o at once', async (wish, errorCode) => {
    const { partition } = await fetch(wish, 12, { maxWaitMs: 20_000 })
    expect(partition).toMatchObject({ errorCode })
    expect(partition!.records).toHaveLength(0)
  })

  test.each([0, 1, 2, 3])(
    'version %i gets message sets, from the batch of its offset on',
    async (version) => {
      for (const tailBytes of [1_000_000, 0]) {
        useAgent({ tailBytes })
        const { baseOffset } = await produce(batchOf(['a', 'b'], { compression: 'gzip' }))
        const { partition } = await fetch({ offset: baseOffset + 1n }, version)
        const { messages } = readMessageSet(partition!.records!)
        expect(messages.map(({ value, offset }) => [String(value), offset - baseOffset])).toEqual([
          ['a', 0n],
          ['b', 1n],
        ])
        expect(messages.every(({ timestamp }) => timestamp === -1n)).toBe(version < 2)
      }
    },
  )

  test('of an old version gets no more converted bytes than it asked for, but one batch', async () => {
    const zeros = () => batchOf(['0'.repeat(100_000)], { compression: 'gzip' })
    for (let batch = 0; batch < 20; batch++) await produce(zeros())
    const { partition } = await fetch({ maxBytes: 250_000 }, 3)
    expect(readMessageSet(partition!.records!).messages).toHaveLength(3)
    const one = await fetch({ maxBytes: 1 }, 3)
    expect(readMessageSet(one.partition!.records!).messages).toHaveLength(1)
  })

  test('of an old version is told of compressed records that are none, and gets what lies before them', async () => {
    await produce(batchOf(['a']))
    const poison = batchOf(['b'], { compression: 'gzip' })
    poison.fill(0, 61)
    updateCrc(poison)
    expect((await produce(Buffer.from(poison))).errorCode).toBe(ErrorCode.INVALID_RECORD)
    await appendUnjudged(poison)
    const { partition } = await fetch({}, 3)
    expect(readMessageSet(partition!.records!).messages).toHaveLength(1)
    expect((await fetch({ offset: 1n }, 3)).partition!.errorCode).toBe(ErrorCode.CORRUPT_MESSAGE)
  })

  test.each([0, 1])('at isolation level %i gives the bounds', async (isolationLevel) => {
    await produce(batchOf(['a', 'b']))
    for (const tailBytes of [1_000_000, 0]) {
      useAgent({ tailBytes })
      const { partition } = await fetch({}, 12, { isolationLevel })
      expect(partition).toMatchObject({ highWatermark: 2n, lastStableOffset: 2n, logStartOffset: 0n })
      expect(partition!.abortedTransactions).toEqual(isolationLevel === 1 ? [] : null)
    }
  })

  test('knows no sessions', async () => {
    for (const session of [
      { sessionId: 9, sessionEpoch: 3 },
      { sessionId: 9, sessionEpoch: -1 },
      { sessionEpoch: 3 },
    ]) {
      expect((await fetch({}, 12, session)).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    }
    for (const sessionEpoch of [0, -1]) {
      expect((await fetch({}, 12, { sessionEpoch })).partition!.errorCode).toBe(0)
    }
  })

  test('takes limits of zero and below for zero, and still gives a batch', async () => {
    useAgent({ tailBytes: 0 })
    await produce(batchOf(['a']))
    for (const limit of [0, -1, -(2 ** 31)]) {
      const { partition } = await fetch({ maxBytes: limit }, 12, { maxBytes: limit })
      expect(valuesIn(partition!.records)).toEqual(['a'])
    }
  })

  test('without topics answers at once', async () => {
    const answer = await ask<FetchResponse>(1, 12, {
      maxWaitMs: 20_000,
      minBytes: 1,
      maxBytes: 1,
      topics: [],
    })
    expect(answer!.responses).toEqual([])
  })

  test('is told to retry what the store does not give', async () => {
    await produce(batchOf(['a']))
    useAgent({})
    store.away = true
    const { partition } = await fetch({}, 12, { maxWaitMs: 20_000 })
    expect(partition).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, highWatermark: 1n })
  })
})
