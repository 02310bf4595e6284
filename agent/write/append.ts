import type { CommitBatch, CommitOutcome } from '@streamhouse/storage/metadata/commit-object'

/** A validated record batch on its way into a partition. */
export interface AppendBatch extends CommitBatch {
  readonly topicId: string
  readonly partition: number
  readonly bytes: Buffer
}

/** What became of a batch. */
export interface AppendResult {
  readonly outcome: CommitOutcome
  /** Offset of its first record, of the original for a duplicate; -1n when it was refused. */
  readonly baseOffset: bigint
  readonly logStart: bigint
}

/**
 * Why nothing could be acknowledged.
 * - `StoreUnavailable`: the object could not be stored; nothing was appended.
 * - `MetadataUnavailable`: the commit could not be sent; nothing was appended.
 * - `InDoubt`: the commit was sent and its fate is not known yet.
 * - `Closing`: the agent is shutting down; nothing was appended.
 */
export type AppendErrorCode = 'StoreUnavailable' | 'MetadataUnavailable' | 'InDoubt' | 'Closing'

export class AppendError extends Error {
  readonly code: AppendErrorCode

  constructor(code: AppendErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AppendError'
    this.code = code
  }
}

/** The batches of one request: they share an object, and are answered together. */
export class Append {
  readonly batches: readonly AppendBatch[]
  readonly results: AppendResult[]
  readonly done: Promise<AppendResult[]>
  private resolveDone!: (results: AppendResult[]) => void
  private rejectDone!: (error: AppendError) => void

  constructor(batches: readonly AppendBatch[]) {
    this.batches = batches
    this.results = new Array(batches.length)
    this.done = new Promise((resolve, reject) => {
      this.resolveDone = resolve
      this.rejectDone = reject
    })
  }

  finish(): void {
    this.resolveDone(this.results)
  }

  fail(error: AppendError): void {
    this.rejectDone(error)
  }
}
