import { type Database, DatabaseError, type DatabaseErrorCode } from '@streamhouse/platform/database'
import { SimulatedClock } from '@streamhouse/platform/simulated/clock'
import { Faults } from '@streamhouse/platform/simulated/faults'
import { SimulatedBucket, SimulatedObjectStore } from '@streamhouse/platform/simulated/object-store'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { Scheduler } from '@streamhouse/platform/simulated/scheduler'
import { SimulatedTimers } from '@streamhouse/platform/simulated/timers'
import { systemRandom } from '@streamhouse/platform/system/random'
import type { PartitionCommit } from '@streamhouse/storage/metadata/commit-object'
import { readWalIndex } from '@streamhouse/storage/objects/wal-object'
import { beforeEach, describe, expect, test } from 'vitest'
import { appendBatch } from '../testing/append-batch.ts'
import { LogWriter } from './log-writer.ts'

const organizationId = '00000000-0000-4000-8000-0000000000aa'
const topicId = '00000000-0000-4000-8000-000000000001'

type Answer = DatabaseErrorCode | 'ok' | Error
interface Call {
  readonly objectId: string
  readonly atMs: number
}

let scheduler: Scheduler
let bucket: SimulatedBucket
let faults: Faults
let calls: Call[]
/** What the metadata answers, one after another; the last one for ever. */
let answers: Answer[]
let failed: string[]
let committed: PartitionCommit[][]
let writer: LogWriter

/** Stands in for the metadata alone: gives every batch offset 7, or fails as told. */
const database = {
  async query({ values }: { values: unknown[] }) {
    calls.push({ objectId: values[1] as string, atMs: scheduler.nowMs })
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!
    await scheduler.sleep(1)
    if (answer instanceof Error) throw answer
    if (answer !== 'ok') throw new DatabaseError(answer, `it is ${answer}`)
    const count = (values[10] as number[]).length
    const slots = (values[4] as string[]).length
    const row = {
      outcomes: Array(count).fill(0),
      base_offsets: Array(count).fill(7n),
      log_starts: Array(slots).fill(2n),
    }
    return { rows: [row], rowCount: 1 }
  },
} as unknown as Database

beforeEach(() => {
  scheduler = new Scheduler()
  bucket = new SimulatedBucket()
  faults = new Faults(systemRandom)
  calls = []
  answers = ['ok']
  failed = []
  committed = []
  const clock = new SimulatedClock(scheduler)
  writer = new LogWriter({
    clock,
    timers: new SimulatedTimers(scheduler),
    random: systemRandom,
    store: new SimulatedObjectStore({ scheduler, clock, bucket, faults, latencyMs: 2 }),
    database,
    log: new RecordingLog(),
    compressRuns: true,
    flush: { flushBytes: 100_000, flushIntervalMs: 0, objectsInFlight: 16 },
    commitTimeoutMs: 20_000,
    committed: (_organizationId, _sealed, commits) => committed.push([...commits]),
    metrics: {
      objectStored() {},
      objectCommitted() {},
      appendFailed: (code) => failed.push(code),
    },
  })
})

const append = (value = 'x') => {
  const done = writer.append(organizationId, [appendBatch(topicId, 3, [value])])
  done.catch(() => {})
  return done
}
const run = (main: () => Promise<void>) => scheduler.run(main)

test('an append is answered once its object is stored and committed', () =>
  run(async () => {
    expect(await append()).toEqual([{ outcome: 'accepted', baseOffset: 7n, logStart: 2n }])
    const [key, object] = [...bucket.objects][0]!
    expect(key).toBe(`org-${organizationId}/wal/2026-01-01T00/${calls[0]!.objectId}`)
    expect(readWalIndex(object.bytes, key)).toMatchObject([{ topicId, partition: 3, batchCount: 1 }])
    expect(committed).toHaveLength(1)
  }))

test('an append without batches is answered too', () =>
  run(async () => {
    expect(await writer.append(organizationId, [])).toEqual([])
  }))

describe('a commit', () => {
  test.each(['Unavailable', 'Conflict', 'InDoubt'] as const)(
    'that is %s is repeated for the same object',
    (code) =>
      run(async () => {
        answers = [code, code, code, 'ok']
        expect((await append())[0]!.baseOffset).toBe(7n)
        expect(calls).toHaveLength(4)
        expect(new Set(calls.map(({ objectId }) => objectId)).size).toBe(1)
        expect(failed).toEqual([])
      }),
  )

  test.each([
    [['Unavailable'], 'MetadataUnavailable'],
    [['Conflict', 'Unavailable'], 'MetadataUnavailable'],
    [['InDoubt'], 'InDoubt'],
    [['InDoubt', 'Unavailable'], 'InDoubt'],
  ] as [Answer[], string][])('that stays %j for 20 s ends as %s', (said, code) =>
    run(async () => {
      answers = said
      await expect(append()).rejects.toMatchObject({ code })
      expect(scheduler.nowMs).toBeGreaterThan(19_000)
      expect(scheduler.nowMs).toBeLessThan(20_100)
      expect(failed).toEqual([code])
      expect(committed).toEqual([])
    }),
  )

  test.each([
    ['Rejected', 'MetadataUnavailable'],
    [new TypeError('a mistake'), 'InDoubt'],
  ] as [Answer, string][])('that fails with %s is not repeated', (answer, code) =>
    run(async () => {
      answers = [answer]
      await expect(append()).rejects.toMatchObject({ code })
      expect(calls).toHaveLength(1)
    }),
  )

  test('that is rejected after one in doubt stays in doubt', () =>
    run(async () => {
      answers = ['InDoubt', 'Rejected']
      await expect(append()).rejects.toMatchObject({ code: 'InDoubt' })
    }))

  test('does not wait its 20 s behind others while the metadata is away', () =>
    run(async () => {
      answers = ['Unavailable']
      const appends: Promise<unknown>[] = []
      for (let object = 0; object < 10; object++) {
        appends.push(append(`${object}`))
        await scheduler.sleep(10)
      }
      for (const done of appends) await expect(done).rejects.toMatchObject({ code: 'MetadataUnavailable' })
      expect(scheduler.nowMs).toBeLessThan(21_000)
    }))

  test('that waited long is tried all the same when the one before it went through', () =>
    run(async () => {
      let passed = 0
      answers = ['Unavailable']
      const first = append()
      await scheduler.sleep(10)
      const second = append()
      await scheduler.sleep(19_000)
      answers = ['ok']
      for (const done of [first, second]) passed += (await done).length
      expect(passed).toBe(2)
    }))

  test('after the metadata was away goes through at once', () =>
    run(async () => {
      answers = ['Unavailable']
      await expect(append()).rejects.toMatchObject({ code: 'MetadataUnavailable' })
      answers = ['ok']
      await append()
    }))
})

describe('an object that cannot be stored', () => {
  test('is not committed, and the next one is', () =>
    run(async () => {
      faults.set({ storeUnavailable: 1 })
      await expect(append()).rejects.toMatchObject({ code: 'StoreUnavailable' })
      expect(calls).toEqual([])
      expect(failed).toEqual(['StoreUnavailable'])
      faults.set({})
      await append()
    }))

  test('as far as anybody knows is not committed either', () =>
    run(async () => {
      faults.set({ storeLostReply: 1 })
      await expect(append()).rejects.toMatchObject({ code: 'StoreUnavailable' })
      expect([bucket.objects.size, calls.length]).toEqual([1, 0])
    }))
})

describe('closing', () => {
  test('answers what came before, and refuses what comes after', () =>
    run(async () => {
      const before = append()
      const closed = writer.close()
      await expect(append()).rejects.toMatchObject({ code: 'Closing' })
      await closed
      expect(await before).toHaveLength(1)
      expect(bucket.objects.size).toBe(1)
    }))

  test('of an unused writer is nothing', () => run(() => writer.close()))
})

test('tenants do not share objects', () =>
  run(async () => {
    const other = '00000000-0000-4000-8000-0000000000bb'
    await Promise.all([append(), writer.append(other, [appendBatch(topicId, 3, ['y'])])])
    expect([...bucket.objects.keys()].map((key) => key.slice(0, 40)).sort()).toEqual([
      `org-${organizationId}`,
      `org-${other}`,
    ])
  }))

test('after data that does not shrink, the next runs of the topic are not compressed', () =>
  run(async () => {
    const encoding = async (value: string) => {
      bucket.objects.clear()
      await append(value)
      const [key, { bytes }] = [...bucket.objects][0]!
      return readWalIndex(bytes, key)[0]!.encoding
    }
    const noise = Array.from({ length: 200 }, () => systemRandom.uuid()).join('')
    expect(await encoding('z'.repeat(10_000))).toBe(1)
    expect(await encoding(noise)).toBe(0)
    expect(await encoding('z'.repeat(10_000))).toBe(0)
  }))
