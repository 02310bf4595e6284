import { batchToMessageSet } from '@streamhouse/proto/kafka/codec/message-set'
import { readBatchHeader, updateCrc, verifyCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { type BatchInput, buildBatch, decodeRecords } from '@streamhouse/proto/kafka/codec/records'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { describe, expect, test } from 'vitest'
import type { TopicConfig } from '../catalog/topic-config.ts'
import { recordsOf } from '../testing/append-batch.ts'
import { type AdmittedBatch, admitRecords, type Refusal } from './admit-records.ts'

const nowMs = 1_000_000n
const settings: TopicConfig = {
  maxMessageBytes: 1_000,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: 2n ** 63n - 1n,
  timestampAfterMaxMs: 3_600_000n,
  compacted: false,
}

const batch = (input: Partial<BatchInput> = {}) =>
  buildBatch({ records: recordsOf(['a', 'b'], nowMs), baseOffset: 0n, ...input })

function patched(change: (bytes: Buffer) => void, input: Partial<BatchInput> = {}): Buffer {
  const bytes = batch(input)
  change(bytes)
  updateCrc(bytes)
  return bytes
}

const admit = (records: Buffer | null, apiVersion = 11, overrides: Partial<TopicConfig> = {}) =>
  admitRecords(records, { ...settings, ...overrides }, apiVersion, nowMs)

function refusedWith(admission: AdmittedBatch | Refusal): number {
  if (!('errorCode' in admission)) throw new Error('The batch was admitted')
  expect(admission.message).toMatch(/^[A-Z0-9].*[^.]$/)
  return admission.errorCode
}

function admitted(admission: AdmittedBatch | Refusal): AdmittedBatch {
  if ('errorCode' in admission) throw new Error(admission.message)
  return admission
}

test('a batch is admitted as it is, with what the metadata has to know of it', () => {
  const bytes = batch({ compression: 'lz4', producerId: 7n, producerEpoch: 2, baseSequence: 40 })
  expect(admitted(admit(bytes))).toEqual({
    bytes,
    compressed: true,
    recordCount: 2,
    maxTimestamp: nowMs + 1n,
    producerId: 7n,
    producerEpoch: 2,
    baseSequence: 40,
  })
})

describe('refused', () => {
  const cases: [string, Buffer | null, number][] = [
    ['no records', null, ErrorCode.INVALID_RECORD],
    ['zero bytes', Buffer.alloc(0), ErrorCode.INVALID_RECORD],
    ['two batches', Buffer.concat([batch(), batch()]), ErrorCode.INVALID_RECORD],
    ['a batch cut short', batch().subarray(0, 70), ErrorCode.INVALID_RECORD],
    ['fewer bytes than a header', Buffer.alloc(16), ErrorCode.INVALID_RECORD],
    ['magic 1 in a request of version 3 on', patched((b) => b.writeInt8(1, 16)), ErrorCode.INVALID_RECORD],
    ['magic 3', patched((b) => b.writeInt8(3, 16)), ErrorCode.CORRUPT_MESSAGE],
    ['a negative length', patched((b) => b.writeInt32BE(-5, 8)), ErrorCode.CORRUPT_MESSAGE],
    ['a control batch', batch({ control: true }), ErrorCode.INVALID_RECORD],
    ['no such compression', patched((b) => b.writeInt16BE(7, 21)), ErrorCode.INVALID_RECORD],
    ['a count of zero', patched((b) => b.writeInt32BE(0, 57)), ErrorCode.INVALID_RECORD],
    ['a count that disagrees', patched((b) => b.writeInt32BE(9, 23)), ErrorCode.INVALID_RECORD],
    [
      'more records than bytes',
      patched((b) => {
        b.writeInt32BE(0x7ffffffe, 23)
        b.writeInt32BE(0x7fffffff, 57)
      }),
      ErrorCode.INVALID_RECORD,
    ],
    [
      'more records told than there are',
      patched((b) => {
        b.writeInt32BE(2, 23)
        b.writeInt32BE(3, 57)
      }),
      ErrorCode.INVALID_RECORD,
    ],
    ['plain records that claim gzip', patched((b) => b.writeInt16BE(1, 21)), ErrorCode.INVALID_RECORD],
    ['a base offset', batch({ baseOffset: 5n }), ErrorCode.INVALID_RECORD],
    [
      'a producer id without a sequence',
      batch({ producerId: 1n, producerEpoch: 0 }),
      ErrorCode.INVALID_RECORD,
    ],
    [
      'a transaction',
      batch({ transactional: true, producerId: 1n, producerEpoch: 0, baseSequence: 0 }),
      ErrorCode.INVALID_TXN_STATE,
    ],
    ["the broker's time", batch({ logAppendTime: nowMs }), ErrorCode.INVALID_TIMESTAMP],
  ]
  test.each(cases)('%s', (_name, records, errorCode) => {
    expect(refusedWith(admit(records))).toBe(errorCode)
  })

  test('one changed bit, anywhere behind the CRC', () => {
    for (let at = 21; at < batch().length; at++) {
      const bytes = batch()
      bytes[at]! ^= 1
      expect(refusedWith(admit(bytes))).toBe(ErrorCode.CORRUPT_MESSAGE)
    }
  })

  test('a batch one byte larger than max.message.bytes, while one of that size is admitted', () => {
    const bytes = batch()
    expect(refusedWith(admit(bytes, 11, { maxMessageBytes: bytes.length - 1 }))).toBe(
      ErrorCode.MESSAGE_TOO_LARGE,
    )
    expect(admitted(admit(bytes, 11, { maxMessageBytes: bytes.length })).bytes).toBe(bytes)
  })

  test('zstd before version 7', () => {
    const bytes = batch({ compression: 'zstd' })
    expect(refusedWith(admit(bytes, 6))).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    expect(admitted(admit(bytes, 7)).compressed).toBe(true)
  })

  test('timestamps beyond what the topic allows, to the millisecond', () => {
    const at = (timestamp: bigint) => batch({ records: recordsOf(['a'], timestamp) })
    const limits = { timestampAfterMaxMs: 10n, timestampBeforeMaxMs: 20n }
    expect(refusedWith(admit(at(nowMs + 11n), 11, limits))).toBe(ErrorCode.INVALID_TIMESTAMP)
    expect(refusedWith(admit(at(nowMs - 21n), 11, limits))).toBe(ErrorCode.INVALID_TIMESTAMP)
    admitted(admit(at(nowMs + 10n), 11, limits))
    admitted(admit(at(nowMs - 20n), 11, limits))
    admitted(admit(at(-1n), 11, limits))
  })

  test('the record whose timestamp lies furthest decides, not the header', () => {
    const limits = { timestampAfterMaxMs: 10n, timestampBeforeMaxMs: 20n }
    const records = (...timestamps: bigint[]) => ({ records: timestamps.map((timestamp) => ({ timestamp })) })
    const told = (bytes: Buffer) => {
      bytes.writeBigInt64BE(nowMs, 35)
      updateCrc(bytes)
      return bytes
    }
    expect(refusedWith(admit(told(batch(records(nowMs, nowMs + 11n))), 11, limits))).toBe(
      ErrorCode.INVALID_TIMESTAMP,
    )
    expect(refusedWith(admit(told(batch(records(nowMs, nowMs - 21n))), 11, limits))).toBe(
      ErrorCode.INVALID_TIMESTAMP,
    )
    admitted(admit(told(batch(records(nowMs, -1n, nowMs - 20n))), 11, limits))
  })

  test('timestamps at the ends of 64 bits', () => {
    const at = (timestamp: bigint) => batch({ records: [{ timestamp }] })
    expect(refusedWith(admit(at(2n ** 63n - 1n)))).toBe(ErrorCode.INVALID_TIMESTAMP)
    expect(refusedWith(admit(at(-(2n ** 63n))))).toBe(ErrorCode.INVALID_TIMESTAMP)
    const beyond = patched((b) => b.writeBigInt64BE(2n ** 63n - 1n, 27))
    expect(refusedWith(admit(beyond))).toBe(ErrorCode.INVALID_RECORD)
  })

  test('a record without a key, where the topic is compacted', () => {
    const keyed = { records: [{ timestamp: nowMs, key: Buffer.from('k') }] }
    const bare = { records: [...keyed.records, { timestamp: nowMs }] }
    for (const compression of ['none', 'lz4'] as const) {
      const compacted = (input: Partial<BatchInput>) =>
        admit(batch({ ...input, compression }), 11, { compacted: true })
      expect(refusedWith(compacted(bare))).toBe(ErrorCode.INVALID_RECORD)
      expect(admitted(compacted(keyed)).recordCount).toBe(1)
    }
    const set = batchToMessageSet(batch(bare), 1)
    expect(refusedWith(admit(set, 2, { compacted: true }))).toBe(ErrorCode.INVALID_RECORD)
  })

  test('a batch that unpacks to more than 32 MiB, while less is admitted', () => {
    const zeros = (size: number) =>
      batch({ records: [{ timestamp: nowMs, value: Buffer.alloc(size) }], compression: 'zstd' })
    const settings = { maxMessageBytes: 100_000 }
    expect(refusedWith(admit(zeros(33_554_432), 11, settings))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(admitted(admit(zeros(33_000_000), 11, settings)).compressed).toBe(true)
    const roomy = { maxMessageBytes: 9_000_000 }
    expect(admitted(admit(zeros(33_554_432), 11, roomy)).compressed).toBe(true)
  })
})

test('a header that tells another greatest timestamp is put right, with its CRC', () => {
  for (const [told, compression] of [
    [nowMs + 500n, 'none'],
    [-1n, 'lz4'],
  ] as const) {
    const bytes = patched((b) => b.writeBigInt64BE(told, 35), { compression })
    expect(admitted(admit(bytes)).maxTimestamp).toBe(nowMs + 1n)
    expect(readBatchHeader(bytes).maxTimestamp).toBe(nowMs + 1n)
    expect(verifyCrc(bytes)).toBe(true)
  }
})

test('with LogAppendTime the batch gets the time and a CRC that fits, whatever timestamp it had', () => {
  const bytes = batch({ records: recordsOf(['a', 'b'], 2n ** 50n) })
  const admission = admitted(admit(bytes, 11, { timestampType: 'LogAppendTime', timestampAfterMaxMs: 0n }))
  expect(admission.maxTimestamp).toBe(nowMs)
  expect(verifyCrc(admission.bytes)).toBe(true)
  expect(decodeRecords(admission.bytes).map(({ timestamp }) => timestamp)).toEqual([nowMs, nowMs])
})

describe('from Produce 0 to 2', () => {
  test.each([0, 1] as const)('a message set of magic %i becomes a batch with its records', (magic) => {
    const set = batchToMessageSet(batch(), magic)
    const admission = admitted(admit(set, 2))
    const header = readBatchHeader(admission.bytes)
    expect([header.baseOffset, header.recordCount, header.producerId]).toEqual([0n, 2, -1n])
    expect(decodeRecords(admission.bytes).map(({ value }) => String(value))).toEqual(['a', 'b'])
    expect(admission.maxTimestamp).toBe(magic === 0 ? -1n : nowMs + 1n)
  })

  test('a batch of format 2 is taken all the same', () => {
    const bytes = batch()
    expect(admitted(admit(bytes, 2)).bytes).toBe(bytes)
  })

  test.each([
    ['none', null, ErrorCode.INVALID_RECORD],
    ['an empty set', Buffer.alloc(0), ErrorCode.INVALID_RECORD],
    ['rubbish', Buffer.alloc(40, 1), ErrorCode.CORRUPT_MESSAGE],
    ['a set cut short', batchToMessageSet(batch(), 1).subarray(0, 50), ErrorCode.CORRUPT_MESSAGE],
  ])('%s is refused', (_name, records, errorCode) => {
    expect(refusedWith(admit(records, 2))).toBe(errorCode)
  })
})
