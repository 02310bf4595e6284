import { crc32c } from '@node-rs/crc32'
import { StorageError } from '../errors.ts'
import { runTargetBytes, type StoredRun, storeCompressed, storeRaw } from './run.ts'

/**
 * Format of a write-ahead object, one flush of one tenant:
 *
 *     "SHWAL" 0 0 1                    8 bytes
 *     runs, one after another          see run.ts
 *     index: per run                   37 bytes each, big endian
 *       topic id 16 | partition i32 | start u32 | stored length u32 | batches u32 | encoding u8 | crc32c u32
 *     runs u32 | index start u32 | crc32c of the index u32 | "SHWX"
 *
 * Readers go by the coordinates in the metadata; the index lets the metadata be checked against, or rebuilt from, the objects.
 */
const magic = Buffer.from('SHWAL\0\0\x01', 'latin1')
const footerMagic = Buffer.from('SHWX', 'latin1')
const indexEntryBytes = 37
const footerBytes = 16

/** A batch as it came from a producer. */
export interface RunBatch {
  readonly bytes: Uint8Array
  /** Whether the producer compressed it: then it is stored as it is. */
  readonly compressed: boolean
}

/** The batches of one partition, in the order in which they get their offsets. */
export interface PartitionBatches<Batch extends RunBatch = RunBatch> {
  readonly topicId: string
  readonly partition: number
  readonly batches: readonly Batch[]
}

/** Where a run lies, and which batches of its partition it holds. */
export interface PlacedRun {
  /** Index into the partitions given to `encodeWalObject`. */
  readonly slot: number
  readonly start: number
  readonly storedBytes: number
  readonly encoding: number
  readonly firstBatch: number
  readonly batchCount: number
}

export interface EncodedWalObject {
  readonly parts: readonly Uint8Array[]
  readonly sizeBytes: number
  readonly runs: readonly PlacedRun[]
}

/** Lays the batches out as one object; runs whose batches came uncompressed are compressed where it pays. */
export async function encodeWalObject(
  partitions: readonly PartitionBatches[],
  mayCompress: (topicId: string) => boolean,
  compressed?: (topicId: string, saved: boolean) => void,
): Promise<EncodedWalObject> {
  const parts: Uint8Array[] = [magic]
  const runs: PlacedRun[] = []
  const index: Buffer[] = []
  let position = magic.length
  for (const [slot, partition] of partitions.entries()) {
    for (const { firstBatch, batchCount } of cutRuns(partition.batches)) {
      const batches = partition.batches.slice(firstBatch, firstBatch + batchCount)
      const run = await storeRun(partition.topicId, batches, mayCompress, compressed)
      runs.push({
        slot,
        start: position,
        storedBytes: run.storedBytes,
        encoding: run.encoding,
        firstBatch,
        batchCount,
      })
      index.push(indexEntry(partition, position, run, batchCount))
      for (const part of run.parts) parts.push(part)
      position += run.storedBytes
    }
  }
  const indexBytes = Buffer.concat(index)
  const footer = Buffer.allocUnsafe(footerBytes)
  footer.writeUInt32BE(runs.length, 0)
  footer.writeUInt32BE(position, 4)
  footer.writeUInt32BE(crc32c(indexBytes), 8)
  footerMagic.copy(footer, 12)
  parts.push(indexBytes, footer)
  return { parts, sizeBytes: position + indexBytes.length + footerBytes, runs }
}

function* cutRuns(batches: readonly RunBatch[]): Generator<{ firstBatch: number; batchCount: number }> {
  let first = 0
  let bytes = 0
  for (const [position, batch] of batches.entries()) {
    const fits =
      bytes + batch.bytes.length <= runTargetBytes && batch.compressed === batches[first]!.compressed
    if (position > first && !fits) {
      yield { firstBatch: first, batchCount: position - first }
      first = position
      bytes = 0
    }
    bytes += batch.bytes.length
  }
  if (batches.length > first) yield { firstBatch: first, batchCount: batches.length - first }
}

async function storeRun(
  topicId: string,
  batches: readonly RunBatch[],
  mayCompress: (topicId: string) => boolean,
  compressed?: (topicId: string, saved: boolean) => void,
): Promise<StoredRun> {
  const bytes = batches.map((batch) => batch.bytes)
  if (batches[0]!.compressed || !mayCompress(topicId)) return storeRaw(bytes)
  const run = await storeCompressed(bytes)
  compressed?.(topicId, run.encoding !== 0)
  return run
}

function indexEntry(partition: PartitionBatches, start: number, run: StoredRun, batchCount: number): Buffer {
  const entry = Buffer.allocUnsafe(indexEntryBytes)
  entry.write(partition.topicId.replaceAll('-', ''), 0, 16, 'hex')
  entry.writeInt32BE(partition.partition, 16)
  entry.writeUInt32BE(start, 20)
  entry.writeUInt32BE(run.storedBytes, 24)
  entry.writeUInt32BE(batchCount, 28)
  entry.writeUInt8(run.encoding, 32)
  Buffer.from(run.parts[0]!).copy(entry, 33, 0, 4)
  return entry
}

export interface IndexedRun {
  readonly topicId: string
  readonly partition: number
  readonly start: number
  readonly storedBytes: number
  readonly batchCount: number
  readonly encoding: number
}

/**
 * Reads the index of a whole write-ahead object.
 * @throws StorageError CorruptObject when the object is not one, or was cut short
 */
export function readWalIndex(object: Buffer, objectKey: string): IndexedRun[] {
  const corrupt = (what: string) =>
    new StorageError('CorruptObject', `Object ${objectKey} cannot be read: ${what}`)
  if (object.length < magic.length + footerBytes || !object.subarray(0, magic.length).equals(magic)) {
    throw corrupt('it does not start as a write-ahead object')
  }
  const footer = object.subarray(object.length - footerBytes)
  if (!footer.subarray(12).equals(footerMagic))
    throw corrupt('it does not end as a write-ahead object; it may be cut short')
  const count = footer.readUInt32BE(0)
  const start = footer.readUInt32BE(4)
  const index = object.subarray(start, object.length - footerBytes)
  if (index.length !== count * indexEntryBytes || crc32c(index) !== footer.readUInt32BE(8))
    throw corrupt('its index is damaged')
  return Array.from({ length: count }, (_, position) => {
    const entry = index.subarray(position * indexEntryBytes, (position + 1) * indexEntryBytes)
    const hex = entry.toString('hex', 0, 16)
    return {
      topicId: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
      partition: entry.readInt32BE(16),
      start: entry.readUInt32BE(20),
      storedBytes: entry.readUInt32BE(24),
      batchCount: entry.readUInt32BE(28),
      encoding: entry.readUInt8(32),
    }
  })
}
