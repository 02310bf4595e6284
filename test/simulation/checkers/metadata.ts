import { splitBatches } from '@streamhouse/proto/kafka/codec/record-batch'
import { loadRun } from '@streamhouse/storage/objects/run'
import type { Violation } from './checker.ts'

/** The rows that the invariants speak of. */
export interface MetadataRows {
  readonly partitions: readonly {
    readonly topic_id: string
    readonly partition: number
    readonly log_start: bigint
    readonly high_watermark: bigint
    readonly last_stable: bigint
    readonly size_bytes: bigint
  }[]
  /** By topic, partition and offset. */
  readonly extents: readonly ExtentRow[]
  readonly objects: readonly {
    readonly id: string
    readonly key: string
    readonly size_bytes: bigint
    readonly live_extents: number
  }[]
}

export interface ExtentRow {
  readonly topic_id: string
  readonly partition: number
  readonly base_offset: bigint
  readonly last_offset: bigint
  readonly object_id: string
  readonly stored_start: number
  readonly stored_length: number
  readonly encoding: number
  readonly slice_start: number
  readonly slice_length: number
}

/** Reads the rows of a type. */
export type Rows = <Row>(text: string) => Promise<Row[]>

export async function readMetadata(rows: Rows): Promise<MetadataRows> {
  return {
    partitions: await rows('select * from partitions order by topic_id, partition'),
    extents: await rows('select * from extents order by topic_id, partition, last_offset'),
    objects: await rows('select id, key, size_bytes, live_extents from objects order by id'),
  }
}

const checker = 'metadata'

/** Extents cover each partition without gap or overlap, and their objects hold exactly their batches. */
export function checkMetadata(rows: MetadataRows, bucket: ReadonlyMap<string, Buffer>): Violation[] {
  const messages: string[] = []
  for (const partition of rows.partitions) {
    const extents = rows.extents.filter(
      (extent) => extent.topic_id === partition.topic_id && extent.partition === partition.partition,
    )
    messages.push(...checkCover(partition, extents))
  }
  const counts = new Map<string, number>()
  for (const { object_id } of rows.extents) counts.set(object_id, (counts.get(object_id) ?? 0) + 1)
  const objects = new Map(rows.objects.map((object) => [object.id, object]))
  for (const { id, key, live_extents, size_bytes } of rows.objects) {
    const count = counts.get(id) ?? 0
    if (count !== live_extents) {
      messages.push(`Object ${key} counts ${live_extents} extents and has ${count}`)
    }
    const stored = bucket.get(key)
    if (stored === undefined) messages.push(`Object ${key} is committed and not in the bucket`)
    else if (BigInt(stored.length) !== size_bytes) {
      messages.push(`Object ${key} has ${stored.length} bytes and not ${size_bytes}`)
    }
  }
  for (const extent of rows.extents) {
    const object = objects.get(extent.object_id)
    const problem =
      object === undefined
        ? `refers to object ${extent.object_id}, which is unknown`
        : checkBatches(extent, object.key, bucket.get(object.key))
    if (problem !== null) messages.push(`${placeOf(extent)} ${problem}`)
  }
  return messages.map((message) => ({ checker, message, about: [] }))
}

function checkCover(partition: MetadataRows['partitions'][number], extents: readonly ExtentRow[]): string[] {
  const name = `${partition.topic_id}/${partition.partition}`
  const messages: string[] = []
  const { log_start, high_watermark, last_stable } = partition
  let due: bigint | null = null
  let bytes = 0n
  for (const extent of extents) {
    if (due !== null && extent.base_offset !== due) {
      messages.push(`${placeOf(extent)} begins where ${due} is due`)
    }
    if (extent.last_offset < extent.base_offset) messages.push(`${placeOf(extent)} ends before it begins`)
    due = extent.last_offset + 1n
    bytes += BigInt(extent.slice_length)
  }
  const first = extents[0]?.base_offset ?? log_start
  if (first > log_start) messages.push(`${name} starts at ${log_start} and its first extent at ${first}`)
  if (due !== null && due !== high_watermark) {
    messages.push(`The extents of ${name} end at ${due} and its high watermark is ${high_watermark}`)
  }
  if (due === null && high_watermark !== log_start) {
    messages.push(`${name} has no extents and reaches from ${log_start} to ${high_watermark}`)
  }
  if (last_stable > high_watermark) {
    messages.push(`${name} is stable to ${last_stable} and ends at ${high_watermark}`)
  }
  if (bytes !== partition.size_bytes) {
    messages.push(`${name} counts ${partition.size_bytes} bytes and its extents have ${bytes}`)
  }
  return messages
}

function checkBatches(extent: ExtentRow, key: string, object: Buffer | undefined): string | null {
  if (object === undefined) return `lies in ${key}, which is not in the bucket`
  const end = extent.stored_start + extent.stored_length
  if (end > object.length) return `reaches to byte ${end} of ${key}, which has ${object.length}`
  let records = 0n
  try {
    const run = loadRun(object.subarray(extent.stored_start, end), extent.encoding, key)
    const slice = run.subarray(extent.slice_start, extent.slice_start + extent.slice_length)
    if (slice.length !== extent.slice_length) return `reaches beyond its run in ${key}`
    const { batches, truncatedBytes } = splitBatches(slice)
    if (truncatedBytes > 0) return `ends within a batch in ${key}`
    for (const { header } of batches) records += BigInt(header.lastOffsetDelta) + 1n
  } catch (error) {
    return `cannot be decoded: ${(error as Error).message}`
  }
  const expected = extent.last_offset - extent.base_offset + 1n
  return records === expected ? null : `has ${expected} offsets, and ${records} records in ${key}`
}

function placeOf(extent: ExtentRow): string {
  return `Extent ${extent.base_offset} to ${extent.last_offset} of ${extent.topic_id}/${extent.partition}`
}
