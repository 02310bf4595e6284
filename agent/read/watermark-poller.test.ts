import { randomUUID } from 'node:crypto'
import { type Database, DatabaseError } from '@streamhouse/platform/database'
import { SimulatedClock } from '@streamhouse/platform/simulated/clock'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { Scheduler } from '@streamhouse/platform/simulated/scheduler'
import { SimulatedTimers } from '@streamhouse/platform/simulated/timers'
import { expect, test } from 'vitest'
import { Arrivals, arrivalKey } from './arrivals.ts'
import { WatermarkPoller } from './watermark-poller.ts'

const organizationId = randomUUID()
const topicId = randomUUID()
const key = (partition: number) => arrivalKey(organizationId, topicId, partition)

/** A poller over a metadata in which every high watermark is 5. */
function setUp() {
  const scheduler = new Scheduler()
  const looks: { atMs: number; partitions: number[] }[] = []
  const state = { peers: true, away: false, answerMs: 0 }
  const database = {
    async query({ values }: { values: [string[], string[], number[]] }) {
      looks.push({ atMs: scheduler.nowMs, partitions: values[2] })
      if (state.answerMs > 0) await scheduler.sleep(state.answerMs)
      if (state.away) throw new DatabaseError('Unavailable', 'away')
      const rows = values[2].map((_, slot) => ({
        slot,
        log_start: 0n,
        high_watermark: 5n,
        last_stable: 5n,
        max_timestamp: -1n,
        max_timestamp_at: -1n,
      }))
      return { rows, rowCount: rows.length }
    },
  } as unknown as Database
  const arrivals = new Arrivals()
  const log = new RecordingLog()
  const poller = new WatermarkPoller({
    database,
    clock: new SimulatedClock(scheduler),
    timers: new SimulatedTimers(scheduler),
    log,
    arrivals,
    intervalMs: 25,
    intervalAloneMs: 500,
    peersLive: () => state.peers,
  })
  return { scheduler, looks, state, arrivals, log, poller }
}

test('nothing is asked while nobody waits', async () => {
  const { scheduler, looks, poller } = setUp()
  poller.start()
  await scheduler.run(() => scheduler.sleep(10_000))
  expect(looks).toEqual([])
})

test('who saw less than the metadata has is called, who saw as much is not', async () => {
  const { scheduler, arrivals, poller } = setUp()
  const called: string[] = []
  arrivals.subscribe([{ key: key(0), highWatermark: 4n }], () => called.push('behind'))
  arrivals.subscribe([{ key: key(1), highWatermark: 5n }], () => called.push('at the end'))
  poller.start()
  await scheduler.run(() => scheduler.sleep(100))
  expect(called).toEqual(['behind'])
})

test('the interval depends on whether other agents live', async () => {
  const { scheduler, looks, arrivals, state, poller } = setUp()
  arrivals.subscribe([{ key: key(0), highWatermark: 5n }], () => {})
  state.peers = false
  poller.start()
  await scheduler.run(async () => {
    await scheduler.sleep(1_001)
    state.peers = true
    await scheduler.sleep(600)
  })
  expect(looks.slice(0, 5).map(({ atMs }) => atMs)).toEqual([500, 1_000, 1_500, 1_525, 1_550])
})

test('a failure is logged and the next look comes all the same', async () => {
  const { scheduler, arrivals, state, log, poller } = setUp()
  let called = 0
  arrivals.subscribe([{ key: key(0), highWatermark: 0n }], () => called++)
  state.away = true
  poller.start()
  await scheduler.run(async () => {
    await scheduler.sleep(30)
    expect([called, log.records.length]).toEqual([0, 1])
    state.away = false
    await scheduler.sleep(30)
  })
  expect(called).toBe(1)
})

test('more partitions than fit into a look take turns', async () => {
  const { scheduler, looks, arrivals, poller } = setUp()
  const called = new Set<number>()
  for (let partition = 0; partition < 12_000; partition++) {
    arrivals.subscribe([{ key: key(partition), highWatermark: 0n }], () => called.add(partition))
  }
  poller.start()
  await scheduler.run(() => scheduler.sleep(76))
  expect(looks.map(({ partitions }) => partitions.length)).toEqual([5_000, 5_000, 2_000])
  expect(called.size).toBe(12_000)
})

test('after a stop no more is asked', async () => {
  const { scheduler, looks, arrivals, poller } = setUp()
  arrivals.subscribe([{ key: key(0), highWatermark: 5n }], () => {})
  poller.start()
  await scheduler.run(async () => {
    await scheduler.sleep(60)
    poller.stop()
    await scheduler.sleep(1_000)
  })
  expect(looks).toHaveLength(2)
})

test('looks that take long are followed by longer pauses', async () => {
  const { scheduler, looks, arrivals, state, poller } = setUp()
  arrivals.subscribe([{ key: key(0), highWatermark: 5n }], () => {})
  state.answerMs = 50
  poller.start()
  await scheduler.run(async () => {
    await scheduler.sleep(300)
    state.answerMs = 0
    await scheduler.sleep(500)
  })
  expect(looks.slice(0, 4).map(({ atMs }) => atMs)).toEqual([25, 275, 525, 550])
})
