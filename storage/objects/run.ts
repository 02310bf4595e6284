import { crc32c } from '@node-rs/crc32'
import { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import { compress, compressSync, uncompressSync } from 'lz4-napi'
import { StorageError } from '../errors.ts'

/**
 * A run is the smallest range an object is read in: consecutive record batches of one partition. Stored, it is
 *
 *     crc32c of what follows (4 bytes, little endian)
 *     raw: the batches  |  lz4: decoded length (4 bytes, little endian), then one LZ4 block
 *
 * so that a range read can be checked without the rest of the object.
 */
export const runEncoding = { raw: 0, lz4: 1 } as const
export type RunEncoding = (typeof runEncoding)[keyof typeof runEncoding]

/** Batches join a run until it holds this many bytes; a larger batch is a run of its own. */
export const runTargetBytes = 1024 * 1024

/** No run decodes to more: max.message.bytes cannot be set higher than this allows. */
export const runMaxBytes = 256 * 1024 * 1024

/** Below this the hop to a worker thread costs more than compressing on the spot. */
const compressInlineBytes = 128 * 1024

/** Keeping LZ4's output pays only if it saves at least an eighth: every later read has to decode it. */
const worthwhileRatio = 7 / 8

export interface StoredRun {
  readonly encoding: RunEncoding
  /** To be written one after another. */
  readonly parts: readonly Uint8Array[]
  readonly storedBytes: number
}

/** Frames batches as they are. */
export function storeRaw(batches: readonly Uint8Array[]): StoredRun {
  const header = Buffer.allocUnsafe(4)
  let crc = 0
  let storedBytes = header.length
  for (const batch of batches) {
    crc = crc32c(batch, crc)
    storedBytes += batch.length
  }
  header.writeUInt32LE(crc, 0)
  return { encoding: runEncoding.raw, parts: [header, ...batches], storedBytes }
}

/** Frames batches as one LZ4 block, or as they are when that saves too little. */
export async function storeCompressed(batches: readonly Uint8Array[]): Promise<StoredRun> {
  let decodedBytes = 0
  for (const batch of batches) decodedBytes += batch.length
  const gathered = gather(batches, decodedBytes)
  const block = decodedBytes < compressInlineBytes ? compressSync(gathered) : await compress(gathered)
  scratch.give(gathered)
  if (block.length > decodedBytes * worthwhileRatio) return storeRaw(batches)
  const header = Buffer.allocUnsafe(4)
  header.writeUInt32LE(crc32c(block), 0)
  return { encoding: runEncoding.lz4, parts: [header, block], storedBytes: header.length + block.length }
}

/** Memory in which batches are brought together for LZ4, which wants them side by side. */
const scratch = new BufferPool({ maxBufferBytes: 2 * runTargetBytes, maxKeptBytes: 8 * runTargetBytes })

function gather(batches: readonly Uint8Array[], bytes: number): Buffer {
  const first = batches[0]!
  if (batches.length === 1) return Buffer.from(first.buffer, first.byteOffset, first.length)
  const gathered = scratch.take(bytes)
  let position = 0
  for (const batch of batches) {
    gathered.set(batch, position)
    position += batch.length
  }
  return gathered
}

/**
 * Checks and decodes the stored bytes of a run; a raw run is given back without copying.
 * @throws StorageError CorruptObject when they are not what was written
 */
export function loadRun(stored: Buffer, encoding: number, objectKey: string): Buffer {
  const body = stored.subarray(4)
  if (stored.length < 4 || crc32c(body) !== stored.readUInt32LE(0))
    throw corrupt(objectKey, 'its checksum does not match')
  if (encoding === runEncoding.raw) return body
  if (encoding !== runEncoding.lz4)
    throw corrupt(objectKey, `its encoding ${encoding} is unknown to this version`)
  if (body.length < 4 || body.readUInt32LE(0) > runMaxBytes)
    throw corrupt(objectKey, 'its decoded length is out of bounds')
  try {
    return uncompressSync(body)
  } catch (error) {
    throw corrupt(objectKey, 'its LZ4 block does not decode', error)
  }
}

function corrupt(objectKey: string, what: string, cause?: unknown): StorageError {
  return new StorageError('CorruptObject', `A run of object ${objectKey} cannot be read: ${what}`, cause)
}
