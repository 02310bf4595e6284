import type { PartitionCommit } from '@streamhouse/storage/metadata/commit-object'
import type { Append, AppendBatch, AppendError } from './append.ts'

interface PartitionQueue {
  readonly topicId: string
  readonly partition: number
  readonly batches: AppendBatch[]
  /** For each batch, the request it came with and its place there. */
  readonly sources: { readonly append: Append; readonly position: number }[]
}

/** A tenant's batches that are gathered for the next object. */
export class OpenObject {
  readonly openedMs: number
  sizeBytes = 0
  private readonly appends: Append[] = []
  private readonly queues = new Map<string, PartitionQueue>()

  constructor(openedMs: number) {
    this.openedMs = openedMs
  }

  get empty(): boolean {
    return this.appends.length === 0
  }

  add(append: Append): void {
    this.appends.push(append)
    for (const [position, batch] of append.batches.entries()) {
      const key = `${batch.topicId}/${batch.partition}`
      let queue = this.queues.get(key)
      if (queue === undefined) {
        queue = { topicId: batch.topicId, partition: batch.partition, batches: [], sources: [] }
        this.queues.set(key, queue)
      }
      queue.batches.push(batch)
      queue.sources.push({ append, position })
      this.sizeBytes += batch.bytes.length
    }
  }

  /** Nothing is added any more; the order of partitions is the one in which their rows are locked. */
  seal(): SealedObject {
    const queues = [...this.queues.values()].sort((a, b) =>
      a.topicId === b.topicId ? a.partition - b.partition : a.topicId < b.topicId ? -1 : 1,
    )
    return new SealedObject(this.openedMs, this.sizeBytes, queues, this.appends)
  }
}

/** Batches that go into one object together, on their way through upload and commit. */
export class SealedObject {
  readonly openedMs: number
  readonly sizeBytes: number
  readonly partitions: readonly PartitionQueue[]
  private readonly appends: readonly Append[]

  constructor(
    openedMs: number,
    sizeBytes: number,
    partitions: readonly PartitionQueue[],
    appends: readonly Append[],
  ) {
    this.openedMs = openedMs
    this.sizeBytes = sizeBytes
    this.partitions = partitions
    this.appends = appends
  }

  /** Answers every request that has batches in the object. */
  acknowledge(commits: readonly PartitionCommit[]): void {
    for (const [slot, commit] of commits.entries()) {
      for (const [position, batch] of commit.batches.entries()) {
        const source = this.partitions[slot]!.sources[position]!
        source.append.results[source.position] = { ...batch, logStart: commit.logStart }
      }
    }
    for (const append of this.appends) append.finish()
  }

  fail(error: AppendError): void {
    for (const append of this.appends) append.fail(error)
  }
}
