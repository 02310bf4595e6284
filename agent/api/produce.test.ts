import { randomUUID } from 'node:crypto'
import { systemClock } from '@streamhouse/platform/system/clock'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { ProduceResponse } from '@streamhouse/proto/kafka/generated/00-produce'
import { describe, expect, test } from 'vitest'
import {
  ask,
  batchOf,
  fetch,
  name,
  newTopic,
  produce,
  request,
  setOutage,
  store,
  topicId,
  valuesIn,
} from '../testing/log-api.ts'

describe('Produce', () => {
  test.each([0, 1, 2, 3, 7, 9, 12, 13])('version %i appends, and Fetch gives it back', async (version) => {
    expect(await produce(batchOf(['a', 'b']), 1, version)).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await produce(batchOf(['c']), 1, version)).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(valuesIn((await fetch({ partition: 1 })).partition!.records)).toEqual(['a', 'b', 'c'])
  })

  test.each([
    ['an unknown topic', 11, { name: 'nosuch' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown topic id', 13, { topicId: randomUUID() }, ErrorCode.UNKNOWN_TOPIC_ID],
  ])('answers for %s', async (_name, version, topic, errorCode) => {
    const partitionData = [{ index: 0, records: batchOf(['a']) }]
    const answer = await ask<ProduceResponse>(0, version, {
      acks: 1,
      timeoutMs: 1,
      topicData: [
        { name, topicId, partitionData, ...topic },
        { name, topicId, partitionData },
      ],
    })
    const codes = answer!.responses.map(({ partitionResponses }) => partitionResponses[0]!.errorCode)
    expect(codes).toEqual([errorCode, 0])
  })

  test.each([-1, 2, 2 ** 31 - 1, -(2 ** 31)])('answers for partition %i of two', async (index) => {
    const { errorCode } = await produce(batchOf(['a']), index)
    expect(errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  test('refuses a bad batch alone, saying why', async () => {
    const answer = await ask<ProduceResponse>(0, 11, {
      acks: 1,
      timeoutMs: 1,
      topicData: [
        {
          name,
          partitionData: [
            { index: 0, records: null },
            { index: 1, records: batchOf(['a']) },
          ],
        },
      ],
    })
    const [bad, good] = answer!.responses[0]!.partitionResponses
    expect(bad).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1n })
    expect(bad!.errorMessage).toContain('none')
    expect(good).toMatchObject({ errorCode: 0, baseOffset: 0n, errorMessage: null })
  })

  test('judges sequences and epochs', async () => {
    const sequenced = (baseSequence: number, producerEpoch = 0) =>
      produce(batchOf(['a'], { producerId: 900n, producerEpoch, baseSequence }))
    expect(await sequenced(0)).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await sequenced(1)).toMatchObject({ errorCode: 0, baseOffset: 1n })
    expect(await sequenced(0)).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await sequenced(7)).toMatchObject({ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(await sequenced(0, 1)).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(await sequenced(2)).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH })
  })

  test('with acks=0 appends and gives no answer, also to what it refuses', async () => {
    expect(await ask(0, 11, request(batchOf(['quiet']), 0, { acks: 0 }))).toBeNull()
    expect(valuesIn((await fetch()).partition!.records)).toEqual(['quiet'])
    expect(await ask(0, 11, request(null, 0, { acks: 0 }))).toBeNull()
    expect(await ask(0, 11, request(batchOf(['x']), 0, { acks: 0, transactionalId: 't' }))).toBeNull()
  })

  test('refuses other acks and transactional ids, and appends nothing', async () => {
    for (const acks of [2, -2]) {
      const { errorCode } = await produce(batchOf(['a']), 0, 11, { acks })
      expect(errorCode).toBe(ErrorCode.INVALID_REQUIRED_ACKS)
    }
    const { errorCode } = await produce(batchOf(['a']), 0, 11, { transactionalId: 't' })
    expect(errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    expect(store.objects.size).toBe(0)
  })

  test('with LogAppendTime says which time the batch got', async () => {
    await newTopic('stamped', { 'message.timestamp.type': 'LogAppendTime' })
    const answer = await ask<ProduceResponse>(0, 11, {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 'stamped', partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    })
    const { logAppendTimeMs } = answer!.responses[0]!.partitionResponses[0]!
    expect(Math.abs(Number(logAppendTimeMs) - systemClock.nowMs())).toBeLessThan(10_000)
    expect((await produce(batchOf(['a']))).logAppendTimeMs).toBe(-1n)
  })

  test('without topics answers without topics', async () => {
    const answer = await ask<ProduceResponse>(0, 11, { acks: 1, timeoutMs: 1, topicData: [] })
    expect(answer!.responses).toEqual([])
  })

  test('is told to retry while the store or the metadata is away, and nothing was appended', async () => {
    await produce(batchOf(['a']))
    store.away = true
    expect((await produce(batchOf(['b']))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    store.away = false
    setOutage('Unavailable')
    expect((await produce(batchOf(['c']))).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    setOutage(null)
    await produce(batchOf(['d']))
    expect(valuesIn((await fetch()).partition!.records)).toEqual(['a', 'd'])
  })

  test('whose commit stays in doubt is told that it timed out', async () => {
    await produce(batchOf(['a']))
    setOutage('InDoubt')
    expect((await produce(batchOf(['b']))).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT)
  })
})
