import type { Clock } from '@streamhouse/platform/clock'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import type { PartitionCommit } from '@streamhouse/storage/metadata/commit-object'
import { type Append, AppendError } from './append.ts'
import { OpenObject, type SealedObject } from './open-object.ts'

export interface FlushSettings {
  /** An object is sealed when it holds this much. */
  readonly flushBytes: number
  /** Least time between two objects of a tenant, unless they are full: it bounds the request bill. */
  readonly flushIntervalMs: number
  /** Objects of a tenant that may be between sealing and acknowledgement; more requests join the open object meanwhile. */
  readonly objectsInFlight: number
}

/** The steps an object takes; they are the log writer's. */
export interface ObjectSteps {
  /** Stores the object and gives the commit to run. Rejects with AppendError. */
  upload(sealed: SealedObject): Promise<() => Promise<PartitionCommit[]>>
  /** Told of every commit before its requests are answered. */
  committed(sealed: SealedObject, commits: readonly PartitionCommit[]): void
}

/**
 * Group commit for one tenant. A quiet writer seals at once; a busy one fills the open object while others are on their way.
 * Uploads overlap, commits happen in the order of sealing, so that a producer's sequences arrive in order.
 */
export class TenantWriter {
  private readonly settings: FlushSettings
  private readonly steps: ObjectSteps
  private readonly clock: Clock
  private readonly timers: Timers
  private open: OpenObject | null = null
  private inFlight = 0
  private lastSealMs = Number.NEGATIVE_INFINITY
  private wakeUp: Timer | null = null
  private sealSoon = false
  private commitTail: Promise<void> = Promise.resolve()

  constructor(settings: FlushSettings, steps: ObjectSteps, clock: Clock, timers: Timers) {
    this.settings = settings
    this.steps = steps
    this.clock = clock
    this.timers = timers
  }

  append(append: Append): void {
    this.open ??= new OpenObject(this.clock.nowMs())
    this.open.add(append)
    this.considerSealing()
  }

  /** Seals what is open now and resolves when everything appended so far has been answered. */
  async flush(): Promise<void> {
    if (this.open !== null) this.seal()
    await this.commitTail
  }

  private considerSealing(): void {
    if (this.open === null) return
    if (this.open.sizeBytes >= this.settings.flushBytes) {
      this.seal()
      return
    }
    if (this.inFlight >= this.settings.objectsInFlight || this.sealSoon || this.wakeUp !== null) return
    const waitMs = this.lastSealMs + this.settings.flushIntervalMs - this.clock.monotonicMs()
    if (waitMs <= 0) {
      // Requests that came in the same turn of the event loop share the object.
      const { open } = this
      this.sealSoon = true
      this.timers.soon(() => {
        this.sealSoon = false
        // It may have become full meanwhile: then the one that is open now waits for its own time.
        if (this.open !== open) this.considerSealing()
        else if (this.inFlight < this.settings.objectsInFlight) this.seal()
      })
    } else {
      this.wakeUp = this.timers.after(waitMs, () => {
        this.wakeUp = null
        this.considerSealing()
      })
    }
  }

  private seal(): void {
    const sealed = this.open!.seal()
    this.open = null
    this.wakeUp?.cancel()
    this.wakeUp = null
    this.lastSealMs = this.clock.monotonicMs()
    this.inFlight++
    const upload = this.steps.upload(sealed)
    upload.catch(() => {}) // handled when its turn to commit comes
    this.commitTail = this.commitTail.then(() => this.commitInTurn(sealed, upload))
  }

  private async commitInTurn(
    sealed: SealedObject,
    upload: Promise<() => Promise<PartitionCommit[]>>,
  ): Promise<void> {
    try {
      const commit = await upload
      const commits = await commit()
      this.steps.committed(sealed, commits)
      sealed.acknowledge(commits)
    } catch (error) {
      sealed.fail(
        error instanceof AppendError
          ? error
          : new AppendError('InDoubt', 'The commit ended in an unexpected error', error),
      )
    } finally {
      this.inFlight--
      this.considerSealing()
    }
  }
}
