interface Waiter {
  readonly admit: () => void
}

/** A number of slots that are lent out in the order they were asked for. */
export class Semaphore {
  readonly #slots: number
  readonly #waiting = new Set<Waiter>()
  #taken = 0

  constructor(slots: number) {
    if (!Number.isInteger(slots) || slots < 1)
      throw new RangeError(`A semaphore needs at least one slot, not ${slots}`)
    this.#slots = slots
  }

  get free(): number {
    return this.#slots - this.#taken
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Takes a slot if one is free and nobody waits for it. */
  tryAcquire(): boolean {
    if (this.#taken >= this.#slots || this.#waiting.size > 0) return false
    this.#taken++
    return true
  }

  /** Resolves with a slot taken; rejects with the signal's reason when it is aborted before. */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.tryAcquire()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(waiter)
        reject(signal?.reason)
      }
      const waiter: Waiter = {
        admit: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      this.#waiting.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Gives a slot back: to who waits for longest, if anybody does. */
  release(): void {
    if (this.#taken === 0) throw new Error('A semaphore got back more slots than it lent')
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter)
      waiter.admit()
      return
    }
    this.#taken--
  }

  /** Runs `work` with a slot. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.acquire(signal)
    try {
      return await work()
    } finally {
      this.release()
    }
  }
}
