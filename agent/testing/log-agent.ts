import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import { type ByteRange, type ObjectStore, ObjectStoreError } from '@streamhouse/platform/object-store'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { Arrivals, arrivalKey } from '../read/arrivals.ts'
import { LogReader } from '../read/log-reader.ts'
import { LogTail } from '../read/log-tail.ts'
import { LongPoll } from '../read/long-poll.ts'
import { OffsetLookup } from '../read/offset-lookup.ts'
import { RunCache } from '../read/run-cache.ts'
import { WatermarkPoller } from '../read/watermark-poller.ts'
import { LogWriter } from '../write/log-writer.ts'

/** Objects in memory; reads are counted and can be made to fail. */
export class MemoryStore {
  readonly objects = new Map<string, Buffer>()
  gets = 0
  reading = 0
  readingMost = 0
  away = false

  async put(key: string, parts: readonly Uint8Array[]): Promise<void> {
    if (this.away) throw new ObjectStoreError('Unavailable', key, `Store of ${key} is away`)
    this.objects.set(key, Buffer.concat(parts))
  }

  async get(key: string, range: ByteRange): Promise<Buffer> {
    this.gets++
    this.readingMost = Math.max(this.readingMost, ++this.reading)
    await systemTimers.sleep(2)
    this.reading--
    if (this.away) throw new ObjectStoreError('Unavailable', key, `Store of ${key} is away`)
    return Buffer.from(this.objects.get(key)!.subarray(range.start, range.end))
  }
}

export interface LogAgentOptions {
  readonly tailBytes?: number
  readonly cacheBytes?: number
  readonly pollIntervalMs?: number
  readonly clock?: Clock
}

/** The write and the read path of an agent, as run.ts puts them together. */
export function logAgent(database: Database, memory: MemoryStore, options: LogAgentOptions = {}) {
  const store = memory as unknown as ObjectStore
  const { tailBytes = 1_000_000, cacheBytes = 1_000_000, pollIntervalMs = 5, clock = systemClock } = options
  const ports = {
    clock,
    timers: systemTimers,
    random: systemRandom,
    log: new RecordingLog(),
    database,
    store,
  }
  const tail = new LogTail(tailBytes, clock)
  const cache = new RunCache(store, cacheBytes, { rangeRead() {}, lookups() {} })
  const arrivals = new Arrivals()
  const reader = new LogReader({ ...ports, tail, cache, readAheadBytes: 1_000_000 })
  const writer = new LogWriter({
    ...ports,
    flush: { flushBytes: 1_000_000, flushIntervalMs: 0, objectsInFlight: 2 },
    compressRuns: true,
    commitTimeoutMs: 1_000,
    metrics: { objectStored() {}, objectCommitted() {}, appendFailed() {} },
    committed: (organizationId, sealed, commits) => {
      for (const [slot, { topicId, partition, batches }] of sealed.partitions.entries()) {
        const highWatermark = tail.add(topicId, partition, batches, commits[slot]!)
        arrivals.reached(arrivalKey(organizationId, topicId, partition), highWatermark)
      }
    },
  })
  const poller = new WatermarkPoller({
    ...ports,
    arrivals,
    intervalMs: pollIntervalMs,
    intervalAloneMs: pollIntervalMs,
    peersLive: () => true,
  })
  const longPoll = new LongPoll({ ...ports, reader, arrivals })
  const lookup = new OffsetLookup(database, reader)
  return { ...ports, tail, arrivals, reader, writer, poller, longPoll, lookup }
}

export type LogAgent = ReturnType<typeof logAgent>
