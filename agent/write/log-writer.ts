import type { Clock } from '@streamhouse/platform/clock'
import { type Database, DatabaseError } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import type { ObjectStore } from '@streamhouse/platform/object-store'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import {
  type CommitObject,
  commitObject,
  type PartitionCommit,
} from '@streamhouse/storage/metadata/commit-object'
import { walObjectKey } from '@streamhouse/storage/objects/object-keys'
import { encodeWalObject } from '@streamhouse/storage/objects/wal-object'
import { Append, type AppendBatch, AppendError, type AppendErrorCode, type AppendResult } from './append.ts'
import { CompressionChoice } from './compression-choice.ts'
import type { SealedObject } from './open-object.ts'
import { type FlushSettings, TenantWriter } from './tenant-writer.ts'

export interface LogWriterOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly store: ObjectStore
  readonly database: Database
  readonly log: Log
  readonly flush: FlushSettings
  /** Whether runs of batches that came uncompressed are compressed. */
  readonly compressRuns: boolean
  /** How long after its upload an object's commit is tried before its requests are told that it failed. */
  readonly commitTimeoutMs: number
  /** Told of each commit before its requests are answered: the memory tail and long polls live on this. */
  readonly committed: (
    organizationId: string,
    sealed: SealedObject,
    commits: readonly PartitionCommit[],
  ) => void
  readonly metrics: WriterMetrics
}

export interface WriterMetrics {
  objectStored(bytes: number, batches: number, uploadMs: number): void
  objectCommitted(commitMs: number): void
  appendFailed(code: string): void
}

const firstRetryMs = 5
const lastRetryMs = 500

/** Takes record batches to the object store and the metadata: append, seal, upload, commit, acknowledge. */
export class LogWriter {
  private readonly options: LogWriterOptions
  private readonly tenants = new Map<string, TenantWriter>()
  private readonly compression: CompressionChoice
  private closing = false
  /** Whether the last commit tried could not be sent, or was not answered. */
  private metadataAway = false

  constructor(options: LogWriterOptions) {
    this.options = options
    this.compression = new CompressionChoice(options.compressRuns)
  }

  /**
   * Appends the batches of one request; they join the tenant's open object before this returns.
   * @returns one result for each batch, once it is durable
   * @throws AppendError when nothing could be acknowledged
   */
  append(organizationId: string, batches: readonly AppendBatch[]): Promise<AppendResult[]> {
    const append = new Append(batches)
    if (this.closing)
      append.fail(new AppendError('Closing', 'The agent is shutting down; another one takes over'))
    else this.tenantWriter(organizationId).append(append)
    return append.done
  }

  /** Refuses what comes from now on, and resolves when everything that came before has been answered. */
  async close(): Promise<void> {
    this.closing = true
    await Promise.all([...this.tenants.values()].map((tenant) => tenant.flush()))
  }

  private tenantWriter(organizationId: string): TenantWriter {
    let tenant = this.tenants.get(organizationId)
    if (tenant === undefined) {
      const { clock, timers, flush } = this.options
      const steps = {
        upload: (sealed: SealedObject) => this.upload(organizationId, sealed),
        committed: (sealed: SealedObject, commits: readonly PartitionCommit[]) =>
          this.options.committed(organizationId, sealed, commits),
      }
      tenant = new TenantWriter(flush, steps, clock, timers)
      this.tenants.set(organizationId, tenant)
    }
    return tenant
  }

  private async upload(
    organizationId: string,
    sealed: SealedObject,
  ): Promise<() => Promise<PartitionCommit[]>> {
    const { clock, random, store, metrics } = this.options
    const objectId = random.uuid()
    const objectKey = walObjectKey(organizationId, sealed.openedMs, objectId)
    const startedMs = clock.monotonicMs()
    try {
      const encoded = await encodeWalObject(
        sealed.partitions,
        (topicId) => this.compression.mayCompress(topicId),
        (topicId, saved) => this.compression.observe(topicId, saved),
      )
      await store.put(objectKey, encoded.parts)
      let batches = 0
      for (const partition of sealed.partitions) batches += partition.batches.length
      metrics.objectStored(encoded.sizeBytes, batches, clock.monotonicMs() - startedMs)
      const { sizeBytes, runs } = encoded
      const object = { organizationId, objectId, objectKey, sizeBytes, partitions: sealed.partitions, runs }
      const storedMs = clock.monotonicMs()
      return () => this.commit(object, storedMs)
    } catch (error) {
      this.options.log.error('An object could not be stored; its requests are told to retry', {
        objectKey,
        error,
      })
      metrics.appendFailed('StoreUnavailable')
      throw new AppendError('StoreUnavailable', `Object ${objectKey} could not be stored`, error)
    }
  }

  /**
   * Calls commit_object until it answers: it is repeatable, so a lost reply is asked for again. The time runs from when the
   * object was stored, for objects commit one after another: while the metadata is away they must not wait in a row.
   */
  private async commit(object: CommitObject, storedMs: number): Promise<PartitionCommit[]> {
    const { clock, timers, random, metrics, commitTimeoutMs } = this.options
    const startedMs = clock.monotonicMs()
    const untilMs = storedMs + commitTimeoutMs
    if (this.metadataAway && startedMs > untilMs)
      throw this.commitFailure(object, 'MetadataUnavailable', null)
    let inDoubt = false
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, lastRetryMs)) {
      try {
        const commits = await commitObject(this.options.database, object)
        this.metadataAway = false
        metrics.objectCommitted(clock.monotonicMs() - startedMs)
        return commits
      } catch (error) {
        inDoubt ||= !(error instanceof DatabaseError) || error.code === 'InDoubt'
        const retryable = error instanceof DatabaseError && error.retryable
        this.metadataAway = retryable
        if (!retryable || clock.monotonicMs() + retryMs > untilMs)
          throw this.commitFailure(object, inDoubt ? 'InDoubt' : 'MetadataUnavailable', error)
        await timers.sleep(retryMs * (0.5 + random.fraction() / 2))
      }
    }
  }

  private commitFailure(object: CommitObject, code: AppendErrorCode, error: unknown): AppendError {
    const { objectKey } = object
    this.options.log.error('An object could not be committed; its requests are told to retry', {
      objectKey,
      code,
      error,
    })
    this.options.metrics.appendFailed(code)
    return new AppendError(code, `Object ${objectKey} could not be committed`, error)
  }
}
