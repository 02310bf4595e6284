import type { Random } from '../random.ts'

/** What can go wrong. */
export type FaultName =
  /** The store answers 503 and does nothing. */
  | 'storeUnavailable'
  /** The store answers SlowDown and does nothing. */
  | 'storeThrottled'
  /** A put or delete is done, and its answer lost. */
  | 'storeLostReply'
  /** A body ends before its length. */
  | 'storeTruncatedBody'
  /** An answer takes a hundred times as long. */
  | 'storeSlow'
  /** No connection; the statement is not done. */
  | 'databaseUnavailable'
  /** The statement or COMMIT is done, and its answer lost. */
  | 'databaseLostReply'
  /** The statement or COMMIT never arrives, and nobody can tell. */
  | 'databaseLostRequest'
  /** The transaction loses against another one. */
  | 'databaseConflict'
  /** An answer takes a hundred times as long. */
  | 'databaseSlow'
  /** A dial is refused. */
  | 'networkRefused'
  /** A connection breaks at a write; what is under way is lost. */
  | 'networkReset'
  /** A chunk takes a hundred times as long. */
  | 'networkSlow'
  /** What was written at once arrives in pieces. */
  | 'networkFragmented'

/** A probability from 0 to 1 for each fault; those left out do not happen. */
export type FaultRates = { readonly [name in FaultName]?: number }

/** Decides by seeded chance what goes wrong, and counts it. */
export class Faults {
  readonly #random: Random
  readonly #counts = new Map<FaultName, number>()
  #rates: FaultRates

  constructor(random: Random, rates: FaultRates = {}) {
    this.#random = random
    this.#rates = rates
  }

  /** Replaces all the rates; `{}` ends the faults. */
  set(rates: FaultRates): void {
    this.#rates = rates
  }

  /** Whether the fault happens now. */
  strikes(name: FaultName): boolean {
    const rate = this.#rates[name] ?? 0
    if (rate <= 0 || this.#random.fraction() >= rate) return false
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    return true
  }

  /** A latency around the given one, from half to one and a half times it; a hundred times as long when slow. */
  latencyMs(usualMs: number, slow: FaultName): number {
    const latencyMs = usualMs * (0.5 + this.#random.fraction())
    return this.strikes(slow) ? latencyMs * 100 : latencyMs
  }

  /** How often each fault has happened. */
  get counts(): ReadonlyMap<FaultName, number> {
    return this.#counts
  }
}
