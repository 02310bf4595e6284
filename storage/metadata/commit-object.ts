import type { Queryable, SqlValue } from '@streamhouse/platform/database'
import type { PartitionBatches, PlacedRun, RunBatch } from '../objects/wal-object.ts'

/** What the metadata has to know of a batch. */
export interface CommitBatch extends RunBatch {
  readonly recordCount: number
  readonly maxTimestamp: bigint
  /** -1 when the producer is not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** An object that lies in the store, and the batches in it. */
export interface CommitObject {
  readonly organizationId: string
  readonly objectId: string
  readonly objectKey: string
  readonly sizeBytes: number
  /** In (topic id, partition) order, each once: row locks are taken in this order. */
  readonly partitions: readonly PartitionBatches<CommitBatch>[]
  /** In the order of the partitions. */
  readonly runs: readonly PlacedRun[]
}

export type CommitOutcome =
  | 'accepted'
  | 'duplicate'
  | 'outOfOrderSequence'
  | 'producerFenced'
  | 'unknownPartition'

const outcomes: readonly CommitOutcome[] = [
  'accepted',
  'duplicate',
  'outOfOrderSequence',
  'producerFenced',
  'unknownPartition',
]

export interface BatchCommit {
  readonly outcome: CommitOutcome
  /** The offset of its first record, of the original for a duplicate; -1n when it was refused. */
  readonly baseOffset: bigint
}

export interface PartitionCommit {
  /** One for each batch, in order. */
  readonly batches: readonly BatchCommit[]
  readonly logStart: bigint
}

const text = `select outcomes, base_offsets, log_starts from commit_object($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
  $13, $14, $15, $16, $17, $18)`

/**
 * Commits an uploaded object: one round trip gives every batch its offsets, or says why not. Calling again with the same
 * object gives the same answer, so a call whose reply was lost is simply repeated.
 * @returns one result for each partition, in order
 * @throws DatabaseError as the database does; nothing is acknowledged then, and the object may or may not be committed
 */
export async function commitObject(database: Queryable, object: CommitObject): Promise<PartitionCommit[]> {
  const result = await database.query<{ outcomes: number[]; base_offsets: bigint[]; log_starts: bigint[] }>({
    name: 'commit_object',
    text,
    values: commitValues(object),
  })
  const row = result.rows[0]!
  let position = 0
  return object.partitions.map((partition, slot) => ({
    logStart: row.log_starts[slot]!,
    batches: partition.batches.map(() => {
      const batch = { outcome: outcomes[row.outcomes[position]!]!, baseOffset: row.base_offsets[position]! }
      position++
      return batch
    }),
  }))
}

function commitValues(object: CommitObject): SqlValue[] {
  const runs: number[] = []
  const starts: number[] = []
  const batches: CommitBatch[] = []
  for (const [position, run] of object.runs.entries()) {
    let start = 0
    for (let offset = 0; offset < run.batchCount; offset++) {
      const batch = object.partitions[run.slot]!.batches[run.firstBatch + offset]!
      runs.push(position + 1)
      starts.push(start)
      batches.push(batch)
      start += batch.bytes.length
    }
  }
  return [
    object.organizationId,
    object.objectId,
    object.objectKey,
    object.sizeBytes,
    object.partitions.map((partition) => partition.topicId),
    object.partitions.map((partition) => partition.partition),
    object.runs.map((run) => run.slot + 1),
    object.runs.map((run) => run.start),
    object.runs.map((run) => run.storedBytes),
    object.runs.map((run) => run.encoding),
    runs,
    starts,
    batches.map((batch) => batch.bytes.length),
    batches.map((batch) => batch.recordCount),
    batches.map((batch) => batch.maxTimestamp),
    batches.map((batch) => batch.producerId),
    batches.map((batch) => batch.producerEpoch),
    batches.map((batch) => batch.baseSequence),
  ]
}
