import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RunCacheMetrics } from '../read/run-cache.ts'
import type { WriterMetrics } from '../write/log-writer.ts'

/** Upper bounds in seconds: a local folder answers within one millisecond, S3 within a second. */
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const sizeBuckets = [4, 16, 64, 256, 1_024, 4_096, 16_384].map((kibibytes) => kibibytes * 1_024)

/** Metrics of what passes between the agent, the object store and the metadata. */
export class LogMetrics implements WriterMetrics, RunCacheMetrics {
  readonly #uploads: Histogram
  readonly #sizes: Histogram
  readonly #commits: Histogram
  readonly #batches: Counter
  readonly #failures: Counter<'reason'>
  readonly #reads: Counter
  readonly #readBytes: Counter
  readonly #lookups: Counter<'result'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.#uploads = new Histogram({
      name: 'streamhouse_object_upload_seconds',
      help: 'Time to encode and store an object',
      buckets: latencyBuckets,
      registers,
    })
    this.#sizes = new Histogram({
      name: 'streamhouse_object_bytes',
      help: 'Size of stored objects',
      buckets: sizeBuckets,
      registers,
    })
    this.#commits = new Histogram({
      name: 'streamhouse_commit_seconds',
      help: 'Time to commit an object to the metadata, retries included',
      buckets: latencyBuckets,
      registers,
    })
    this.#batches = new Counter({
      name: 'streamhouse_stored_batches_total',
      help: 'Record batches in stored objects',
      registers,
    })
    this.#failures = new Counter({
      name: 'streamhouse_append_failures_total',
      help: 'Objects whose requests were told to retry',
      labelNames: ['reason'],
      registers,
    })
    this.#reads = new Counter({
      name: 'streamhouse_object_reads_total',
      help: 'Range reads of objects',
      registers,
    })
    this.#readBytes = new Counter({
      name: 'streamhouse_object_read_bytes_total',
      help: 'Bytes asked for by range reads of objects',
      registers,
    })
    this.#lookups = new Counter({
      name: 'streamhouse_run_cache_lookups_total',
      help: 'Runs asked of the cache',
      labelNames: ['result'],
      registers,
    })
  }

  /** Shows how much memory the tail and the cache hold. */
  watchMemory(registry: Registry, tailBytes: () => number, cacheBytes: () => number): void {
    new Gauge({
      name: 'streamhouse_log_memory_bytes',
      help: 'Record batches in memory: the newest ones, and those read from objects',
      labelNames: ['part'],
      registers: [registry],
      collect() {
        this.set({ part: 'tail' }, tailBytes())
        this.set({ part: 'cache' }, cacheBytes())
      },
    })
  }

  objectStored(bytes: number, batches: number, uploadMs: number): void {
    this.#uploads.observe(uploadMs / 1_000)
    this.#sizes.observe(bytes)
    this.#batches.inc(batches)
  }

  objectCommitted(commitMs: number): void {
    this.#commits.observe(commitMs / 1_000)
  }

  appendFailed(code: string): void {
    this.#failures.inc({ reason: code })
  }

  rangeRead(bytes: number): void {
    this.#reads.inc()
    this.#readBytes.inc(bytes)
  }

  lookups(hits: number, misses: number): void {
    if (hits > 0) this.#lookups.inc({ result: 'hit' }, hits)
    if (misses > 0) this.#lookups.inc({ result: 'miss' }, misses)
  }
}
