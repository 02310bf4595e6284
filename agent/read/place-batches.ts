import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  patchBaseOffset,
} from '@streamhouse/proto/kafka/codec/record-batch'
import { StorageError } from '@streamhouse/storage/errors'
import type { Extent } from '@streamhouse/storage/metadata/read-log'

const lengthAt = 8
const lastOffsetDeltaAt = 23

/** Partitions never change leaders in a way that could lose records, so one leader epoch serves for ever. */
export const leaderEpoch = 0

/** Whole batches of an extent. */
export interface SelectedBatches {
  readonly bytes: Buffer
  /** Where to read on. */
  readonly nextOffset: bigint
}

/**
 * Gives the batches of an extent their offsets, in place, and selects whole batches from the one that holds `offset` on, up
 * to `maxBytes`, but the first one in any case if `atLeastOne`.
 * @throws StorageError CorruptObject when the bytes are not the extent's batches
 */
export function selectBatches(
  run: Buffer,
  extent: Extent,
  offset: bigint,
  maxBytes: number,
  atLeastOne: boolean,
): SelectedBatches {
  const end = extent.sliceStart + extent.sliceLength
  let position = extent.sliceStart
  let selectedFrom = -1
  let baseOffset = extent.baseOffset
  while (position < end) {
    const batchBytes =
      position + BATCH_HEADER_BYTES <= end ? BATCH_OVERHEAD_BYTES + run.readInt32BE(position + lengthAt) : -1
    if (batchBytes < BATCH_HEADER_BYTES || position + batchBytes > end) throw notBatches(extent)
    const nextOffset = baseOffset + BigInt(run.readInt32BE(position + lastOffsetDeltaAt)) + 1n
    patchBaseOffset(run, baseOffset, leaderEpoch, position)
    if (selectedFrom < 0 && nextOffset > offset) selectedFrom = position
    if (
      selectedFrom >= 0 &&
      position + batchBytes - selectedFrom > maxBytes &&
      !(atLeastOne && position === selectedFrom)
    ) {
      return { bytes: run.subarray(selectedFrom, position), nextOffset: baseOffset }
    }
    position += batchBytes
    baseOffset = nextOffset
  }
  if (baseOffset !== extent.lastOffset + 1n) throw notBatches(extent)
  return { bytes: run.subarray(selectedFrom < 0 ? end : selectedFrom, end), nextOffset: baseOffset }
}

function notBatches(extent: Extent): StorageError {
  return new StorageError(
    'CorruptObject',
    `Offsets ${extent.baseOffset} to ${extent.lastOffset} are not the batches found in object ${extent.objectKey} at byte ${extent.storedStart}`,
  )
}
