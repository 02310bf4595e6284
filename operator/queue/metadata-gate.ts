import { DatabaseError } from '@streamhouse/platform/database'
import type { Random } from '@streamhouse/platform/random'
import { backoffMs } from '@streamhouse/platform/std/backoff'
import type { Timers } from '@streamhouse/platform/timers'

export interface MetadataGateOptions {
  readonly timers: Timers
  readonly random: Random
  /** Asks the metadata store anything; rejects while it is away. */
  readonly probe: () => Promise<void>
  readonly changed: (available: boolean, reason: string) => void
}

const bounds = { initialMs: 250, maxMs: 10_000 }

/** Whether an error means that the metadata store is away, rather than that it refused something. */
export function isMetadataUnavailable(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code !== 'Rejected' && error.code !== 'Conflict'
}

/**
 * Knows whether the metadata store answers. One failure closes it for all workers, so that an outage costs one probe now
 * and then instead of thousands of failing reconciliations.
 */
export class MetadataGate {
  readonly #options: MetadataGateOptions
  readonly #waiting: (() => void)[] = []
  #reason: string | null = null

  constructor(options: MetadataGateOptions) {
    this.#options = options
  }

  get available(): boolean {
    return this.#reason === null
  }

  /** Why the store counts as away. */
  get reason(): string {
    return this.#reason ?? ''
  }

  /** Calls back once the store answers again. */
  whenAvailable(callback: () => void): void {
    if (this.available) callback()
    else this.#waiting.push(callback)
  }

  /** Tells that a call has found the store away; probes it from now on until it answers or the signal is aborted. */
  close(reason: string, signal: AbortSignal): void {
    if (!this.available) return
    this.#reason = reason
    this.#options.changed(false, reason)
    void this.#probe(signal)
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const { timers, random, probe } = this.#options
    for (let attempt = 1; !signal.aborted; attempt++) {
      await timers.sleep(backoffMs(attempt, bounds, random.fraction()), signal).catch(() => undefined)
      try {
        await probe()
        break
      } catch {
        // Away still.
      }
    }
    this.#reason = null
    if (!signal.aborted) this.#options.changed(true, '')
    for (const callback of this.#waiting.splice(0)) callback()
  }
}
