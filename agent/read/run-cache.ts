import type { ObjectStore } from '@streamhouse/platform/object-store'
import { loadRun } from '@streamhouse/storage/objects/run'
import { ownBytes, ownCopy } from './own-bytes.ts'
import { type PlannedRange, planRanges, type RunLocation, runKey } from './range-plan.ts'

interface CacheEntry {
  readonly run: Promise<Buffer>
  /** 0 until it has arrived. */
  bytes: number
}

export interface RunCacheMetrics {
  rangeRead(bytes: number): void
  lookups(hits: number, misses: number): void
}

/** What a run of no bytes would take up: its key, its promise and their place in the map. */
const entryOverheadBytes = 512

/**
 * Decoded runs, least recently used first to go. Requests for a run that is on its way wait for it; runs that lie close
 * together in an object come with one GET.
 */
export class RunCache {
  private readonly store: ObjectStore
  private readonly maxBytes: number
  private readonly metrics: RunCacheMetrics
  private readonly entries = new Map<string, CacheEntry>()
  private bytes = 0

  constructor(store: ObjectStore, maxBytes: number, metrics: RunCacheMetrics) {
    this.store = store
    this.maxBytes = maxBytes
    this.metrics = metrics
  }

  get sizeBytes(): number {
    return this.bytes
  }

  /** Starts loading what is missing; the promises are in the order of the runs, which may repeat. */
  load(runs: readonly RunLocation[]): Promise<Buffer>[] {
    const missing = new Map<string, RunLocation>()
    for (const run of runs) {
      const key = runKey(run)
      if (!this.entries.has(key)) missing.set(key, run)
    }
    this.metrics.lookups(runs.length - missing.size, missing.size)
    const arriving = new Map<string, Promise<Buffer>>()
    for (const range of planRanges([...missing.values()])) this.readRange(range, arriving)
    return runs.map((run) => {
      const key = runKey(run)
      const entry = this.entries.get(key)
      if (entry === undefined) return arriving.get(key)!
      this.entries.delete(key)
      this.entries.set(key, entry)
      return entry.run
    })
  }

  private readRange(range: PlannedRange, arriving: Map<string, Promise<Buffer>>): void {
    const bytes = this.store.get(range.objectKey, { start: range.start, end: range.end })
    this.metrics.rangeRead(range.end - range.start)
    const only = range.runs.length === 1
    for (const run of range.runs) {
      const key = runKey(run)
      const loaded = bytes.then((stored) => {
        // A raw run is a view of what was read: alone it may keep it, among others it would pin them all.
        const decoded = loadRun(
          stored.subarray(run.start - range.start, run.end - range.start),
          run.encoding,
          run.objectKey,
        )
        return only || run.encoding !== 0 ? ownBytes(decoded) : ownCopy(decoded)
      })
      arriving.set(key, loaded)
      this.keep(key, loaded)
    }
  }

  private keep(key: string, run: Promise<Buffer>): void {
    const entry: CacheEntry = { run, bytes: 0 }
    this.entries.set(key, entry)
    run.then(
      (decoded) => {
        if (this.entries.get(key) !== entry) return
        entry.bytes = decoded.length + entryOverheadBytes
        this.bytes += entry.bytes
        this.evict()
      },
      () => {
        if (this.entries.get(key) === entry) this.entries.delete(key)
      },
    )
  }

  private evict(): void {
    for (const [key, entry] of this.entries) {
      if (this.bytes <= this.maxBytes) return
      if (entry.bytes === 0) continue
      this.bytes -= entry.bytes
      this.entries.delete(key)
    }
  }
}
