import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import { partitionBounds } from '@streamhouse/storage/metadata/partition-bounds'
import { type Arrivals, arrivalKey } from './arrivals.ts'

export interface WatermarkPollerOptions {
  readonly database: Database
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly arrivals: Arrivals
  /** Between two looks while other agents live, and while this one is alone. */
  readonly intervalMs: number
  readonly intervalAloneMs: number
  /** Whether other agents may be writing. */
  readonly peersLive: () => boolean
}

/** No more partitions than this are asked about in one look; the rest take their turn in the next. */
const partitionsPerLook = 5_000

/** A look is followed by a pause this many times as long, so that looking never takes most of the metadata's time. */
const pausePerLook = 4

/** Wakes long polls when another agent committed: one look at the metadata for all of them, and none while nobody waits. */
export class WatermarkPoller {
  private readonly options: WatermarkPollerOptions
  private timer: Timer | null = null
  private stopped = false
  private next = 0
  private lookMs = 0

  constructor(options: WatermarkPollerOptions) {
    this.options = options
  }

  start(): void {
    this.schedule()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private schedule(): void {
    if (this.stopped) return
    const { clock, timers, peersLive, intervalMs, intervalAloneMs } = this.options
    const pauseMs = Math.max(peersLive() ? intervalMs : intervalAloneMs, this.lookMs * pausePerLook)
    this.timer = timers.after(pauseMs, () => {
      const startedMs = clock.monotonicMs()
      this.look().finally(() => {
        this.lookMs = clock.monotonicMs() - startedMs
        this.schedule()
      })
    })
  }

  private async look(): Promise<void> {
    const { arrivals, database, log } = this.options
    if (arrivals.idle) return
    const waiting = this.turn([...arrivals.keys()]).map((key) => {
      const [organizationId, topicId, partition] = key.split('/') as [string, string, string]
      return { organizationId, topicId, partition: Number(partition) }
    })
    try {
      const bounds = await partitionBounds(database, waiting)
      for (const [position, { organizationId, topicId, partition }] of waiting.entries()) {
        const highWatermark = bounds[position]?.highWatermark
        if (highWatermark !== undefined)
          arrivals.reached(arrivalKey(organizationId, topicId, partition), highWatermark)
      }
    } catch (error) {
      log.warn('The high watermarks could not be looked up; waiting fetches see remote records later', {
        error,
      })
    }
  }

  /** The keys that are looked up now: all, or as many as one look takes from where the last one ended. */
  private turn(keys: readonly string[]): readonly string[] {
    if (keys.length <= partitionsPerLook) return keys
    const from = this.next < keys.length ? this.next : 0
    const turn = keys.slice(from, from + partitionsPerLook)
    this.next = from + turn.length
    return turn
  }
}
