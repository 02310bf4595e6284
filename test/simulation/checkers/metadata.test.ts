import { buildBatch } from '@streamhouse/proto/kafka/codec/records'
import { encodeWalObject } from '@streamhouse/storage/objects/wal-object'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkMetadata, type MetadataRows } from './metadata.ts'

const topicId = '00000000-0000-4000-8000-00000000000a'
const key = 'org-1/wal/1/object'
let bucket: Map<string, Buffer>
let rows: MetadataRows

/** One object with two extents of one partition: two records, then three. */
beforeAll(async () => {
  const batch = (count: number) => {
    const records = Array.from({ length: count }, () => ({ timestamp: 0n, value: Buffer.from('value') }))
    return { bytes: buildBatch({ records }), compressed: false }
  }
  const batches = [batch(2), batch(3)]
  const encoded = await encodeWalObject([{ topicId, partition: 0, batches }], () => false)
  const [run] = encoded.runs
  const extent = {
    topic_id: topicId,
    partition: 0,
    object_id: 'object',
    stored_start: run!.start,
    stored_length: run!.storedBytes,
    encoding: run!.encoding,
  }
  const lengths = batches.map(({ bytes }) => bytes.length) as [number, number]
  rows = {
    partitions: [
      {
        topic_id: topicId,
        partition: 0,
        log_start: 0n,
        high_watermark: 5n,
        last_stable: 5n,
        size_bytes: BigInt(lengths[0] + lengths[1]),
      },
    ],
    extents: [
      { ...extent, base_offset: 0n, last_offset: 1n, slice_start: 0, slice_length: lengths[0] },
      { ...extent, base_offset: 2n, last_offset: 4n, slice_start: lengths[0], slice_length: lengths[1] },
    ],
    objects: [{ id: 'object', key, size_bytes: BigInt(encoded.sizeBytes), live_extents: 2 }],
  }
  bucket = new Map([[key, Buffer.concat(encoded.parts)]])
})

const messages = (planted: MetadataRows, objects = bucket) =>
  checkMetadata(planted, objects).map(({ message }) => message)

const withPartition = (change: object): MetadataRows => ({
  ...rows,
  partitions: [{ ...rows.partitions[0]!, ...change }],
})
const withSecondExtent = (change: object): MetadataRows => ({
  ...rows,
  extents: [rows.extents[0]!, { ...rows.extents[1]!, ...change }],
})
const withObject = (change: object): MetadataRows => ({
  ...rows,
  objects: [{ ...rows.objects[0]!, ...change }],
})

describe('metadata', () => {
  it('right rows have no violation', () => {
    expect(messages(rows)).toEqual([])
  })

  it('a gap between extents and an overlap are found', () => {
    expect(messages(withSecondExtent({ base_offset: 3n }))[0]).toContain('begins where 2 is due')
    expect(messages(withSecondExtent({ base_offset: 1n }))[0]).toContain('begins where 2 is due')
  })

  it('a high watermark beyond or before the last extent is found', () => {
    expect(messages(withPartition({ high_watermark: 6n }))[0]).toContain('its high watermark is 6')
    expect(messages(withPartition({ high_watermark: 4n }))[0]).toContain('its high watermark is 4')
    expect(messages({ ...rows, extents: [] })[0]).toContain('has no extents and reaches from 0 to 5')
  })

  it('a log that starts before its first extent is found', () => {
    const found = messages({ ...rows, extents: rows.extents.slice(1) })
    expect(found[0]).toContain('starts at 0 and its first extent at 2')
  })

  it('a wrong count of extents, size of a partition or of an object is found', () => {
    expect(messages(withObject({ live_extents: 3 }))).toEqual([`Object ${key} counts 3 extents and has 2`])
    expect(messages(withPartition({ size_bytes: 7n }))[0]).toContain('counts 7 bytes')
    expect(messages(withObject({ size_bytes: 7n }))[0]).toContain('and not 7')
  })

  it('an object that is not in the bucket, or damaged, is found', () => {
    expect(messages(rows, new Map())[0]).toContain('is committed and not in the bucket')
    const damaged = Buffer.from(bucket.get(key)!)
    damaged[rows.extents[0]!.stored_start + 40]! ^= 1
    expect(messages(rows, new Map([[key, damaged]]))[0]).toContain('checksum')
  })

  it('a slice with other records than its offsets is found', () => {
    const first = rows.extents[0]!
    const other = withSecondExtent({ slice_start: first.slice_start, slice_length: first.slice_length })
    expect(messages(other).some((message) => message.includes('has 3 offsets, and 2 records'))).toBe(true)
  })

  it('an extent of an unknown object is found', () => {
    expect(messages(withSecondExtent({ object_id: 'other' })).join()).toContain(
      'object other, which is unknown',
    )
  })
})
