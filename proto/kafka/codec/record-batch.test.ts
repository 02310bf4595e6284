import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../errors.ts'
import { seededInt } from '../generator/random-message.ts'
import { crc32c } from './crc32c.ts'
import { CodecError } from './errors.ts'
import { batchToMessageSet, messageSetToBatch, readMessageSet } from './message-set.ts'
import {
  COMPRESSION_NAMES,
  isLogAppendTime,
  lastOffsetOf,
  patchBaseOffset,
  readBatchHeader,
  setLogAppendTime,
  splitBatches,
  updateCrc,
  verifyCrc,
} from './record-batch.ts'
import { type BatchInput, buildBatch, buildControlBatch, decodeRecords } from './records.ts'
import { validateProduceBatch } from './validate-batch.ts'

const rules = { apiVersion: 9, maxMessageBytes: 1_048_588, compacted: false }

function records(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    timestamp: 1000n + BigInt(i),
    key: i % 2 === 0 ? Buffer.from(`k${i}`) : null,
    value: Buffer.from(`value ${i} `.repeat(20)),
  }))
}

function batch(input: Partial<BatchInput> = {}): Buffer {
  return buildBatch({ records: records(5), ...input })
}

/** Runs something that may refuse its input, and fails for anything thrown that is no CodecError. */
function hostile(run: () => unknown): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
  }
}

describe('record batch', () => {
  it.each(COMPRESSION_NAMES)('%s: records come back', (compression) => {
    const bytes = batch({ compression, baseOffset: 50n, producerId: 9n, producerEpoch: 1, baseSequence: 3 })
    const header = readBatchHeader(bytes)
    expect(header).toMatchObject({
      baseOffset: 50n,
      producerId: 9n,
      producerEpoch: 1,
      baseSequence: 3,
      magic: 2,
    })
    expect(lastOffsetOf(header)).toBe(54n)
    expect(decodeRecords(bytes).map(({ offset, value }) => [offset, String(value)])).toEqual(
      records(5).map(({ value }, i) => [50n + BigInt(i), String(value)]),
    )
  })

  it('base offset and leader epoch: can be set without breaking the CRC', () => {
    const bytes = batch()
    patchBaseOffset(bytes, 123456789012n, 7)
    expect(verifyCrc(bytes)).toBe(true)
    expect(readBatchHeader(bytes)).toMatchObject({ baseOffset: 123456789012n, partitionLeaderEpoch: 7 })
  })

  it("the broker's time: replaces that of all records and renews the CRC", () => {
    const bytes = batch()
    setLogAppendTime(bytes, 777n)
    expect(verifyCrc(bytes)).toBe(true)
    expect(isLogAppendTime(readBatchHeader(bytes).attributes)).toBe(true)
    expect(decodeRecords(bytes).every((record) => record.timestamp === 777n)).toBe(true)
  })

  it('CRC over pieces: equals that over the whole', () => {
    const bytes = batch()
    expect(crc32c(bytes.subarray(30), crc32c(bytes.subarray(0, 30)))).toBe(crc32c(bytes))
  })

  it('several batches: are split, an incomplete one at the end is reported', () => {
    const all = Buffer.concat([
      batch(),
      batch({ baseOffset: 5n }),
      batch({ baseOffset: 10n }).subarray(0, 80),
    ])
    const split = splitBatches(all)
    expect(split.batches.map(({ header }) => header.baseOffset)).toEqual([0n, 5n])
    expect(split.truncatedBytes).toBe(80)
    expect(splitBatches(all.subarray(0, 5)).truncatedBytes).toBe(5)
    expect(() => splitBatches(Buffer.alloc(100))).toThrow(CodecError)
  })

  it('more output than allowed: refused', () => {
    expect(() => decodeRecords(batch({ compression: 'gzip' }), 100)).toThrow(/more than 100/)
  })

  it('offsets with gaps: kept, as compaction leaves them', () => {
    const [a, b] = records(2) as [object, object]
    const bytes = buildBatch({
      records: [
        { ...a, timestamp: 1n, offset: 10n },
        { ...b, timestamp: 2n, offset: 15n },
      ],
    })
    expect(decodeRecords(bytes).map((record) => record.offset)).toEqual([10n, 15n])
    expect(() => buildBatch({ records: [{ timestamp: 1n, offset: 1n }], baseOffset: 5n })).toThrow(CodecError)
    expect(() => buildBatch({ records: [] })).toThrow(CodecError)
  })

  it('damaged and random bytes: nothing but CodecError from any reader', () => {
    const random = seededInt(11)
    const set = batchToMessageSet(batch(), 1)
    const sources = [...COMPRESSION_NAMES.map((compression) => batch({ compression })), set]
    for (let round = 0; round < 3000; round++) {
      const source = sources[round % sources.length] as Buffer
      const bytes = Buffer.from(source.subarray(0, round % 4 === 0 ? random(source.length) : source.length))
      for (let hit = 0; hit < 3 && bytes.length > 0; hit++) bytes[random(bytes.length)] = random(256)
      for (const read of [splitBatches, decodeRecords, readMessageSet, messageSetToBatch])
        hostile(() => read(bytes))
      validateProduceBatch(bytes, rules)
    }
  })
})

describe('validation of a produced batch', () => {
  const codeOf = (bytes: Buffer | null, changed = {}) => {
    const result = validateProduceBatch(bytes, { ...rules, ...changed })
    return result.ok ? 'valid' : result.errorCode
  }
  const patched = (change: (bytes: Buffer) => void, input: Partial<BatchInput> = {}) => {
    const bytes = batch(input)
    change(bytes)
    updateCrc(bytes)
    return bytes
  }

  it.each(COMPRESSION_NAMES)('%s, as clients send it: valid', (compression) => {
    expect(codeOf(batch({ compression }))).toBe('valid')
    const transactional = { producerId: 1n, producerEpoch: 0, baseSequence: 0, transactional: true }
    expect(codeOf(batch({ compression, ...transactional }))).toBe('valid')
  })

  it('wrong CRC or unknown magic: CORRUPT_MESSAGE; cut off: INVALID_RECORD', () => {
    const bytes = batch()
    for (let length = 1; length < bytes.length; length++) {
      expect(codeOf(bytes.subarray(0, length))).toBe(ErrorCode.INVALID_RECORD)
    }
    bytes[70] = (bytes[70] as number) ^ 1
    expect(codeOf(bytes)).toBe(ErrorCode.CORRUPT_MESSAGE)
    for (const magic of [-1, 3]) {
      const unknown = batch()
      unknown.writeInt8(magic, 16)
      expect(codeOf(unknown)).toBe(ErrorCode.CORRUPT_MESSAGE)
    }
  })

  it('no batch, two batches, or an old format: INVALID_RECORD', () => {
    for (const bytes of [
      null,
      Buffer.alloc(0),
      Buffer.concat([batch(), batch()]),
      batchToMessageSet(batch(), 1),
    ]) {
      expect(codeOf(bytes)).toBe(ErrorCode.INVALID_RECORD)
    }
  })

  it('larger than the limit: MESSAGE_TOO_LARGE', () => {
    expect(codeOf(batch(), { maxMessageBytes: 100 })).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })

  it('zstd before version 7: UNSUPPORTED_COMPRESSION_TYPE', () => {
    const bytes = batch({ compression: 'zstd' })
    expect(codeOf(bytes, { apiVersion: 6 })).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
  })

  it('header that contradicts itself: INVALID_RECORD', () => {
    expect(codeOf(patched((bytes) => bytes.writeInt32BE(4, 57)))).toBe(ErrorCode.INVALID_RECORD)
    expect(codeOf(patched((bytes) => bytes.writeInt32BE(9, 23)))).toBe(ErrorCode.INVALID_RECORD)
    expect(codeOf(patched((bytes) => bytes.writeInt16BE(5, 21)))).toBe(ErrorCode.INVALID_RECORD)
    expect(codeOf(batch({ baseOffset: 3n }))).toBe(ErrorCode.INVALID_RECORD)
    expect(codeOf(batch({ transactional: true }))).toBe(ErrorCode.INVALID_RECORD)
    expect(codeOf(batch({ producerId: 4n, producerEpoch: 0 }))).toBe(ErrorCode.INVALID_RECORD)
    const crowded = patched((bytes) => {
      bytes.writeInt32BE(0x7fffffff, 57)
      bytes.writeInt32BE(0x7ffffffe, 23)
    })
    expect(codeOf(crowded)).toBe(ErrorCode.INVALID_RECORD)
  })

  it("control batch: INVALID_RECORD; the broker's time: INVALID_TIMESTAMP", () => {
    const marker = buildControlBatch({
      type: 'abort',
      coordinatorEpoch: 0,
      producerId: 1n,
      producerEpoch: 0,
      timestamp: 0n,
    })
    expect(codeOf(marker)).toBe(ErrorCode.INVALID_RECORD)
    expect(codeOf(batch({ logAppendTime: 5n }))).toBe(ErrorCode.INVALID_TIMESTAMP)
  })

  it('records without a key: INVALID_RECORD where the topic is compacted', () => {
    for (const compression of COMPRESSION_NAMES) {
      expect(codeOf(batch({ compression }), { compacted: true })).toBe(ErrorCode.INVALID_RECORD)
      const keyed = batch({ compression, records: records(1) })
      expect(codeOf(keyed, { compacted: true })).toBe('valid')
    }
    const refusal = validateProduceBatch(batch(), { ...rules, compacted: true })
    expect(refusal).toMatchObject({ message: 'Record 1 of 5 has no key, which a compacted topic needs' })
  })

  it('records that do not agree with the header, or do not unpack: INVALID_RECORD', () => {
    const more = patched((bytes) => {
      bytes.writeInt32BE(6, 57)
      bytes.writeInt32BE(5, 23)
    })
    const fewer = patched((bytes) => {
      bytes.writeInt32BE(1, 57)
      bytes.writeInt32BE(0, 23)
    })
    const plain = patched((bytes) => bytes.writeInt16BE(1, 21))
    for (const bytes of [more, fewer, plain]) expect(codeOf(bytes)).toBe(ErrorCode.INVALID_RECORD)
  })

  it('records that unpack to more than allowed: MESSAGE_TOO_LARGE, at which producers split', () => {
    const bytes = batch({ compression: 'gzip' })
    expect(codeOf(bytes, { maxDecompressedBytes: 500 })).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })
})

describe('message sets', () => {
  it('a batch: goes down to v0 and v1 and comes up again', () => {
    for (const magic of [0, 1] as const) {
      const up = messageSetToBatch(batchToMessageSet(batch({ compression: 'zstd' }), magic))
      expect(validateProduceBatch(up, rules).ok).toBe(true)
      expect(decodeRecords(up).map(({ key, value }) => [key, value])).toEqual(
        records(5).map(({ key, value }) => [key, value]),
      )
      expect(decodeRecords(up)[4]?.timestamp).toBe(magic === 0 ? -1n : 1004n)
    }
  })

  it('control batches: become nothing', () => {
    const marker = {
      type: 'commit',
      coordinatorEpoch: 0,
      producerId: 1n,
      producerEpoch: 0,
      timestamp: 0n,
    } as const
    expect(batchToMessageSet(buildControlBatch(marker), 1).length).toBe(0)
  })

  it('wrong CRC, a v2 batch, or nothing at all: refused', () => {
    const set = batchToMessageSet(batch(), 1)
    set[40] = (set[40] as number) ^ 1
    expect(() => readMessageSet(set)).toThrow(/wrong CRC/)
    expect(() => readMessageSet(batch())).toThrow(CodecError)
    expect(() => messageSetToBatch(Buffer.alloc(0))).toThrow(CodecError)
  })
})
