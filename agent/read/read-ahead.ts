import type { Clock } from '@streamhouse/platform/clock'
import { BoundedMap } from '@streamhouse/platform/std/bounded-map'
import type { LogRange } from '@streamhouse/storage/metadata/read-log'
import type { ReadRequest } from './log-reader.ts'

export interface ReadAheadOptions {
  readonly clock: Clock
  /** Looks the positions up and brings their runs into the cache. */
  readonly load: (
    organizationId: string,
    requests: readonly ReadRequest[],
  ) => Promise<readonly (LogRange | null)[]>
  /** Of ranges that are prepared and not asked for yet. */
  readonly maxBytes: number
}

interface Prepared {
  readonly range: Promise<LogRange | null>
  readonly startedMs: number
  readonly bytes: number
}

/** Bounds that are older than this are not given out: records may have been removed since. */
const maxAgeMs = 2_000

/**
 * Fetches the range after the one that a consumer has just been given, while it is busy with that: a consumer asks for the
 * next one only when it is through, and would wait for the store each time.
 */
export class ReadAhead {
  private readonly options: ReadAheadOptions
  private readonly prepared: BoundedMap<string, Prepared>

  constructor(options: ReadAheadOptions) {
    this.options = options
    this.prepared = new BoundedMap({ maxWeight: options.maxBytes, weigh: ({ bytes }) => bytes })
  }

  /** Begins to fetch what follows. Failures show when it is asked for, for then it is read as if nothing had been prepared. */
  prepare(organizationId: string, requests: readonly ReadRequest[]): void {
    const startedMs = this.options.clock.monotonicMs()
    let left = this.options.maxBytes
    const within = requests.filter(({ maxBytes }) => {
      left -= maxBytes
      return left >= 0
    })
    if (within.length === 0) return
    const loading = this.options.load(organizationId, within).catch(() => null)
    for (const [position, request] of within.entries()) {
      const range = loading.then((ranges) => ranges?.[position] ?? null)
      this.prepared.set(keyOf(organizationId, request), { range, startedMs, bytes: request.maxBytes })
    }
  }

  /** The range at exactly this position if it has been prepared; undefined otherwise. It is given once. */
  take(organizationId: string, request: ReadRequest): Promise<LogRange | null> | undefined {
    const key = keyOf(organizationId, request)
    const found = this.prepared.get(key)
    if (found === undefined) return undefined
    this.prepared.delete(key)
    return this.options.clock.monotonicMs() - found.startedMs > maxAgeMs ? undefined : found.range
  }
}

function keyOf(organizationId: string, { topicId, partition, offset }: ReadRequest): string {
  return `${organizationId}/${topicId}/${partition}@${offset}`
}
