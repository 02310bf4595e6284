/** A partition that is waited for, and how far its log reached when the waiter looked. */
export interface Awaited {
  /** `organization/topic/partition`. */
  readonly key: string
  readonly highWatermark: bigint
}

interface Waiting {
  /** The lowest high watermark that any of the waiters has seen. */
  seen: bigint
  readonly callbacks: Set<() => void>
}

/** Calls back when records have arrived in one of the partitions waited for. */
export class Arrivals {
  private readonly waiting = new Map<string, Waiting>()

  /** Whether nobody waits. */
  get idle(): boolean {
    return this.waiting.size === 0
  }

  /** What is waited for. */
  keys(): IterableIterator<string> {
    return this.waiting.keys()
  }

  /** Calls back, possibly more than once, until the returned function is called. */
  subscribe(awaited: readonly Awaited[], callback: () => void): () => void {
    for (const { key, highWatermark } of awaited) {
      const present = this.waiting.get(key)
      if (present === undefined) {
        this.waiting.set(key, { seen: highWatermark, callbacks: new Set([callback]) })
      } else {
        present.callbacks.add(callback)
        if (highWatermark < present.seen) present.seen = highWatermark
      }
    }
    return () => {
      for (const { key } of awaited) {
        const present = this.waiting.get(key)
        if (present?.callbacks.delete(callback) && present.callbacks.size === 0) this.waiting.delete(key)
      }
    }
  }

  /** Tells the waiters if the log reaches further than they have seen. */
  reached(key: string, highWatermark: bigint): void {
    const present = this.waiting.get(key)
    if (present === undefined || highWatermark <= present.seen) return
    present.seen = highWatermark
    for (const callback of [...present.callbacks]) callback()
  }
}

export function arrivalKey(organizationId: string, topicId: string, partition: number): string {
  return `${organizationId}/${topicId}/${partition}`
}
