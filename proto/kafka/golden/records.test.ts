import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { batchToMessageSet, messageSetToBatch, readMessageSet } from '../codec/message-set.ts'
import {
  compressionOf,
  isControl,
  isTransactional,
  readBatchHeader,
  verifyCrc,
} from '../codec/record-batch.ts'
import { buildBatch, buildControlBatch, controlTypeOf, decodeRecords } from '../codec/records.ts'
import { readGolden } from './golden-lines.ts'
import { expectedRecords, GOLDEN_BASE_OFFSET, GOLDEN_BASE_TIMESTAMP } from './golden-records.ts'

const fixture = gunzipSync(readFileSync(join(import.meta.dirname, 'records.tsv.gz'))).toString('utf8')
const lines = readGolden(fixture)
const batches = lines.filter((line) => line.version === 2 && line.name !== 'control')
const sets = lines.filter((line) => line.version < 2)
const brokerTime = GOLDEN_BASE_TIMESTAMP + 999n

describe('record batches written by the Java client', () => {
  it.each(batches)(
    '$name $variant: header and CRC are right, records are as written',
    ({ name, variant, bytes }) => {
      const header = readBatchHeader(bytes)
      expect(header).toMatchObject({ baseOffset: GOLDEN_BASE_OFFSET, recordCount: 60, lastOffsetDelta: 59 })
      expect(header.sizeBytes).toBe(bytes.length)
      expect(compressionOf(header.attributes)).toBe(name)
      expect(verifyCrc(bytes)).toBe(true)
      const expected = expectedRecords(60).map((record) =>
        variant === 'append' ? { ...record, timestamp: brokerTime } : record,
      )
      expect(decodeRecords(bytes)).toEqual(expected)
    },
  )

  it('uncompressed: building the same records makes the same bytes', () => {
    const theirs = batches.find((line) => line.name === 'none' && line.variant === 'create')
    const ours = buildBatch({ records: expectedRecords(60), baseOffset: GOLDEN_BASE_OFFSET })
    expect(ours.equals(theirs?.bytes as Buffer)).toBe(true)
  })

  it('control batch of a commit: ours is the same bytes', () => {
    const theirs = lines.find((line) => line.name === 'control')?.bytes as Buffer
    const header = readBatchHeader(theirs)
    expect(isControl(header.attributes) && isTransactional(header.attributes)).toBe(true)
    expect(controlTypeOf(decodeRecords(theirs)[0]?.key ?? null)).toBe('commit')
    const ours = buildControlBatch({
      type: 'commit',
      coordinatorEpoch: 7,
      producerId: 4242n,
      producerEpoch: 3,
      timestamp: GOLDEN_BASE_TIMESTAMP,
      baseOffset: 77n,
      partitionLeaderEpoch: 5,
    })
    expect(ours.toString('hex')).toBe(theirs.toString('hex'))
  })
})

describe('message sets written by the Java client', () => {
  it.each(sets)('v$version $name $variant: messages are as written', ({ name, version, variant, bytes }) => {
    const expected = expectedRecords(60).map(({ offset, timestamp, key, value }) => {
      if (version === 0) return { offset, timestamp: -1n, key, value }
      return { offset, timestamp: variant === 'append' ? brokerTime : timestamp, key, value }
    })
    const set = readMessageSet(bytes)
    expect(set.compression).toBe(name)
    expect(set.logAppendTime).toBe(variant === 'append' ? brokerTime : null)
    expect(
      set.messages.map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value })),
    ).toEqual(expected)
  })

  it.each(sets)('v$version $name $variant: becomes a v2 batch and back', ({ name, version, bytes }) => {
    const batch = messageSetToBatch(bytes)
    const header = readBatchHeader(batch)
    expect(header).toMatchObject({ baseOffset: 0n, recordCount: 60, producerId: -1n })
    expect(compressionOf(header.attributes)).toBe(name)
    expect(verifyCrc(batch)).toBe(true)
    const again = readMessageSet(batchToMessageSet(batch, version as 0 | 1))
    expect(again.messages.map((message) => message.value)).toEqual(
      expectedRecords(60).map((record) => record.value),
    )
  })

  it('uncompressed v0 and v1: down-conversion makes the same bytes', () => {
    for (const magic of [0, 1] as const) {
      const theirs = sets.find(
        (line) => line.version === magic && line.name === 'none' && line.variant === 'create',
      )
      const batch = buildBatch({ records: expectedRecords(60), baseOffset: GOLDEN_BASE_OFFSET })
      expect(batchToMessageSet(batch, magic).equals(theirs?.bytes as Buffer)).toBe(true)
    }
  })
})
