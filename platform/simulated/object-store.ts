import type { Clock } from '../clock.ts'
import {
  checkByteRange,
  checkDeleteCount,
  checkListLimit,
  checkObjectKey,
  checkObjectPrefix,
  tooShort,
} from '../object-key.ts'
import {
  type ByteRange,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  ObjectStoreError,
} from '../object-store.ts'
import type { Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'

interface StoredObject {
  readonly bytes: Buffer
  readonly modifiedMs: number
}

/** What the bucket holds; shared by the processes of a simulation. */
export class SimulatedBucket {
  readonly objects = new Map<string, StoredObject>()
}

export interface SimulatedObjectStoreOptions {
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly bucket: SimulatedBucket
  readonly faults: Faults
  /** Usual time from a request to its answer; 20 when absent. */
  readonly latencyMs?: number
}

/** One process's way to a bucket in memory: takes virtual time and fails by chance. */
export class SimulatedObjectStore implements ObjectStore {
  readonly #options: SimulatedObjectStoreOptions
  #killed = false

  constructor(options: SimulatedObjectStoreOptions) {
    this.#options = options
  }

  async put(key: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    checkObjectKey(key)
    // Copied at once: what the caller changes later must not reach the store.
    const bytes = Buffer.concat(parts)
    await this.#call(key, signal, true, () => {
      const { bucket, clock } = this.#options
      const stored = bucket.objects.get(key)
      if (stored === undefined) bucket.objects.set(key, { bytes, modifiedMs: clock.nowMs() })
      else if (!stored.bytes.equals(bytes)) {
        throw new ObjectStoreError('AlreadyExists', key, `Object ${key} already exists with other bytes`)
      }
    })
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    checkObjectKey(key)
    checkByteRange(key, range)
    return this.#call(key, signal, false, () => {
      const stored = this.#options.bucket.objects.get(key)
      if (stored === undefined) throw new ObjectStoreError('NotFound', key, `Object ${key} does not exist`)
      const wanted = range ?? { start: 0, end: stored.bytes.byteLength }
      if (wanted.end > stored.bytes.byteLength) throw tooShort(key, wanted, stored.bytes.byteLength)
      if (this.#options.faults.strikes('storeTruncatedBody')) {
        throw new ObjectStoreError('Unavailable', key, `The body of ${key} ended before its length`)
      }
      return Buffer.from(stored.bytes.subarray(wanted.start, wanted.end))
    })
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | null> {
    checkObjectKey(key)
    return this.#call(key, signal, false, () => this.#info(key))
  }

  async list(
    prefix: string,
    options: { after?: string; limit: number; signal?: AbortSignal },
  ): Promise<ObjectPage> {
    checkObjectPrefix(prefix)
    checkListLimit(options.limit)
    return this.#call(prefix, options.signal, false, () => {
      const after = options.after ?? ''
      const keys = [...this.#options.bucket.objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
      const page = keys.slice(0, options.limit)
      const objects = page.map((key) => this.#info(key)!)
      return keys.length > page.length ? { objects, next: page.at(-1)! } : { objects }
    })
  }

  async delete(
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly { key: string; error: ObjectStoreError }[]> {
    checkDeleteCount(keys)
    const failed: { key: string; error: ObjectStoreError }[] = []
    for (const key of keys) {
      try {
        checkObjectKey(key)
        await this.#call(key, signal, true, () => this.#options.bucket.objects.delete(key))
      } catch (error) {
        if (!(error instanceof ObjectStoreError)) throw error
        failed.push({ key, error })
      }
    }
    return failed
  }

  /** The process is gone: requests that were sent may still be done, but no answer arrives. */
  kill(): void {
    this.#killed = true
  }

  #info(key: string): ObjectInfo | null {
    const stored = this.#options.bucket.objects.get(key)
    return stored === undefined
      ? null
      : { key, sizeBytes: stored.bytes.byteLength, modifiedMs: stored.modifiedMs }
  }

  /** Half of the latency passes before the store acts, half before its answer arrives. */
  #call<T>(key: string, signal: AbortSignal | undefined, changes: boolean, act: () => T): Promise<T> {
    const { scheduler, faults, latencyMs = 20 } = this.#options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = () => reject(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      const answer = (deliver: () => void) => {
        scheduler.after(faults.latencyMs(latencyMs / 2, 'storeSlow'), () => {
          signal?.removeEventListener('abort', onAbort)
          if (!this.#killed) deliver()
        })
      }
      scheduler.after(faults.latencyMs(latencyMs / 2, 'storeSlow'), () => {
        const outcome = this.#act(key, changes, act)
        answer(() => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value)))
      })
    })
  }

  #act<T>(key: string, changes: boolean, act: () => T): { value: T } | { error: unknown } {
    const { faults } = this.#options
    const fail = (code: 'Unavailable' | 'Throttled', what: string) => ({
      error: new ObjectStoreError(code, key, `${key}: ${what}`),
    })
    if (faults.strikes('storeUnavailable')) return fail('Unavailable', 'the store is unavailable')
    if (faults.strikes('storeThrottled')) return fail('Throttled', 'the store asks to slow down')
    try {
      const value = act()
      if (changes && faults.strikes('storeLostReply')) return fail('Unavailable', 'the answer was lost')
      return { value }
    } catch (error) {
      return { error }
    }
  }
}
