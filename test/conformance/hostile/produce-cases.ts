import { updateCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { type BatchInput, buildBatch } from '@streamhouse/proto/kafka/codec/records'
import { produce } from '@streamhouse/proto/kafka/generated/00-produce'
import { initProducerId } from '@streamhouse/proto/kafka/generated/22-init-producer-id'
import type { Wire } from '../wire.ts'
import { errorName, type HostileCase, orClosed, type Scene } from './case.ts'

const magicAt = 16
const crcAt = 17
const attributesAt = 21
const lastOffsetDeltaAt = 23
const countAt = 57
const timestamp = 1_710_000_000_000n

function batch(input: Partial<BatchInput> = {}, count = 1): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({
    timestamp,
    key: Buffer.from(`key-${index}`),
    value: Buffer.from('value'),
  }))
  return buildBatch({ records, ...input })
}

/** A batch with bytes changed and its CRC right again. */
function changed(change: (bytes: Buffer) => void, count = 1): Buffer {
  const bytes = batch({}, count)
  change(bytes)
  updateCrc(bytes)
  return bytes
}

interface Sending {
  readonly topic: string
  readonly records: Buffer | null
  readonly partition?: number
  readonly acks?: number
  readonly version?: number
}

async function send(wire: Wire, sending: Sending): Promise<string> {
  const { topic, records, partition = 0, acks = -1, version = 9 } = sending
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
  const answer = await wire.call(produce, version, { acks, timeoutMs: 10_000, topicData })
  const found = answer.responses[0]!.partitionResponses[0]!
  return found.errorCode === 0 ? `at ${found.baseOffset}` : errorName(found.errorCode)
}

function refuses(
  name: string,
  records: () => Buffer | null,
  answer: unknown,
  more: Partial<Sending> & { readonly kafka?: unknown } = {},
): HostileCase {
  const { kafka = answer, ...sending } = more
  return {
    name,
    answer,
    kafka,
    async ask({ wire, topics }) {
      const topic = sending.topic ?? (await topics.make(1))
      return orClosed(send(wire, { ...sending, topic, records: records() }))
    },
  }
}

/** A producer that got its id: each step is a batch, and the answers come in their order. */
function sequence(
  name: string,
  steps: readonly Partial<BatchInput>[],
  answer: readonly string[],
): HostileCase {
  return {
    name,
    answer,
    async ask({ wire, topics }: Scene) {
      const topic = await topics.make(1)
      const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
      const { producerId } = await wire.call(initProducerId, 3, request)
      const answers: string[] = []
      for (const step of steps)
        answers.push(await send(wire, { topic, records: batch({ producerId, ...step }) }))
      return answers
    },
  }
}

const newest = { producerEpoch: 0, baseSequence: 0 }

/** What a leader must not append. */
export const produceCases: readonly HostileCase[] = [
  refuses('an unknown topic', () => batch(), 'UNKNOWN_TOPIC_OR_PARTITION', { topic: 'no-such-topic' }),
  refuses('a partition that does not exist', () => batch(), 'UNKNOWN_TOPIC_OR_PARTITION', { partition: 99 }),
  refuses('a negative partition', () => batch(), 'UNKNOWN_TOPIC_OR_PARTITION', { partition: -1 }),
  refuses('acks of 2', () => batch(), 'INVALID_REQUIRED_ACKS', { acks: 2 }),
  refuses('acks of -2', () => batch(), 'INVALID_REQUIRED_ACKS', { acks: -2 }),
  refuses(
    'a wrong CRC',
    () => {
      const bytes = batch()
      bytes[crcAt]! ^= 1
      return bytes
    },
    'CORRUPT_MESSAGE',
  ),
  refuses(
    'a value changed behind the CRC',
    () => {
      const bytes = batch()
      bytes[bytes.length - 3]! ^= 0xff
      return bytes
    },
    'CORRUPT_MESSAGE',
  ),
  refuses('magic 3', () => changed((bytes) => bytes.writeInt8(3, magicAt)), 'CORRUPT_MESSAGE'),
  refuses(
    'magic 1 in a version that has batches',
    () => changed((bytes) => bytes.writeInt8(1, magicAt)),
    'INVALID_RECORD',
  ),
  refuses('no records', () => null, 'INVALID_RECORD', { kafka: null }),
  refuses('empty records', () => Buffer.alloc(0), 'INVALID_RECORD'),
  refuses('a batch that is cut', () => batch().subarray(0, -4), 'INVALID_RECORD'),
  refuses('a header that is cut', () => batch().subarray(0, 40), 'INVALID_RECORD'),
  refuses('a batch length of zero', () => changed((bytes) => bytes.writeInt32BE(0, 8)), 'CORRUPT_MESSAGE'),
  refuses('a negative batch length', () => changed((bytes) => bytes.writeInt32BE(-5, 8)), 'CORRUPT_MESSAGE'),
  refuses('two batches of one partition', () => Buffer.concat([batch(), batch()]), 'INVALID_RECORD'),
  refuses(
    'more records told than there are',
    () =>
      changed((bytes) => {
        bytes.writeInt32BE(5, countAt)
        bytes.writeInt32BE(4, lastOffsetDeltaAt)
      }),
    'INVALID_RECORD',
  ),
  refuses(
    'fewer records told than there are',
    () =>
      changed((bytes) => {
        bytes.writeInt32BE(1, countAt)
        bytes.writeInt32BE(0, lastOffsetDeltaAt)
      }, 3),
    'INVALID_RECORD',
  ),
  refuses(
    'a last offset that does not fit the count',
    () => changed((bytes) => bytes.writeInt32BE(7, lastOffsetDeltaAt)),
    'INVALID_RECORD',
  ),
  refuses('a count of zero', () => changed((bytes) => bytes.writeInt32BE(0, countAt)), 'INVALID_RECORD'),
  refuses('a negative count', () => changed((bytes) => bytes.writeInt32BE(-1, countAt)), 'INVALID_RECORD'),
  refuses(
    'a codec that does not exist',
    () => changed((bytes) => bytes.writeInt16BE(6, attributesAt)),
    'INVALID_RECORD',
    { kafka: 'UNKNOWN_SERVER_ERROR' },
  ),
  refuses(
    'bytes that the codec cannot unpack',
    () => changed((bytes) => bytes.writeInt16BE(1, attributesAt)),
    'INVALID_RECORD',
    { kafka: 'UNKNOWN_SERVER_ERROR' },
  ),
  refuses('a control batch', () => batch({ control: true }), 'INVALID_RECORD'),
  refuses(
    'a producer id without an epoch',
    () => batch({ producerId: 7n, producerEpoch: -1, baseSequence: 0 }),
    'INVALID_RECORD',
    { kafka: 'at 0' },
  ),
  refuses(
    'a producer id without a sequence',
    () => batch({ producerId: 7n, producerEpoch: 0, baseSequence: -1 }),
    'INVALID_RECORD',
  ),
  {
    name: 'a record over max.message.bytes',
    answer: 'MESSAGE_TOO_LARGE',
    async ask({ wire, topics }) {
      const topic = await topics.make(1, { 'max.message.bytes': '1000' })
      return send(wire, {
        topic,
        records: buildBatch({ records: [{ timestamp, value: Buffer.alloc(1000) }] }),
      })
    },
  },
  {
    name: 'a batch over max.message.bytes that is smaller when unpacked alone',
    answer: 'at 0',
    async ask({ wire, topics }) {
      const topic = await topics.make(1, { 'max.message.bytes': '1000' })
      const records = [{ timestamp, value: Buffer.alloc(50_000) }]
      return send(wire, { topic, records: buildBatch({ records, compression: 'gzip' }) })
    },
  },
  {
    name: 'a record without a key, for a topic that is compacted',
    answer: 'INVALID_RECORD',
    async ask({ wire, topics }) {
      const topic = await topics.make(1, { 'cleanup.policy': 'compact' })
      return send(wire, {
        topic,
        records: buildBatch({ records: [{ timestamp, key: null, value: Buffer.from('v') }] }),
      })
    },
  },
  sequence(
    'a gap in the sequence',
    [newest, { ...newest, baseSequence: 5 }],
    ['at 0', 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  ),
  sequence(
    'a batch that is sent again gets its first answer',
    [newest, { ...newest, baseSequence: 1 }, newest],
    ['at 0', 'at 1', 'at 0'],
  ),
  sequence(
    'an older epoch is fenced',
    [{ producerEpoch: 3, baseSequence: 0 }, newest],
    ['at 0', 'INVALID_PRODUCER_EPOCH'],
  ),
  sequence(
    'a newer epoch starts at sequence 0',
    [newest, { producerEpoch: 1, baseSequence: 0 }],
    ['at 0', 'at 1'],
  ),
  sequence(
    'a newer epoch that starts later',
    [newest, { producerEpoch: 1, baseSequence: 4 }],
    ['at 0', 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  ),
  {
    // The batches of a producer may come to several agents: its second must not be stored before its first.
    ...sequence(
      'an unknown producer that starts later',
      [{ ...newest, baseSequence: 4 }],
      ['OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ),
    kafka: ['at 0'],
  },
]
