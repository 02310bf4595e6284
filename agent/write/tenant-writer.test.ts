import { SimulatedClock } from '@streamhouse/platform/simulated/clock'
import { Scheduler } from '@streamhouse/platform/simulated/scheduler'
import { SimulatedTimers } from '@streamhouse/platform/simulated/timers'
import { type Deferred, deferred } from '@streamhouse/platform/std/deferred'
import type { PartitionCommit } from '@streamhouse/storage/metadata/commit-object'
import { beforeEach, describe, expect, test } from 'vitest'
import { appendBatch } from '../testing/append-batch.ts'
import { Append, AppendError } from './append.ts'
import type { SealedObject } from './open-object.ts'
import { type FlushSettings, type ObjectSteps, TenantWriter } from './tenant-writer.ts'

const topicId = '00000000-0000-4000-8000-000000000001'

interface Sealed {
  readonly sealed: SealedObject
  readonly atMs: number
  readonly upload: Deferred<void>
  readonly commit: Deferred<void>
}

let scheduler: Scheduler
let objects: Sealed[]
let committed: SealedObject[]
let commitCalls: SealedObject[]

beforeEach(() => {
  scheduler = new Scheduler()
  objects = []
  committed = []
  commitCalls = []
})

/** Uploads and commits end when the test says so; every batch is accepted, at the offset of its place among all. */
function writerOf(settings: Partial<FlushSettings> = {}, steps: Partial<ObjectSteps> = {}): TenantWriter {
  let offset = 0n
  const manual: ObjectSteps = {
    async upload(sealed) {
      const object = { sealed, atMs: scheduler.nowMs, upload: deferred(), commit: deferred() }
      objects.push(object)
      await object.upload.promise
      return async () => {
        commitCalls.push(sealed)
        await object.commit.promise
        return sealed.partitions.map(
          ({ batches }): PartitionCommit => ({
            logStart: 0n,
            batches: batches.map(() => ({ outcome: 'accepted', baseOffset: offset++ })),
          }),
        )
      }
    },
    committed: (sealed) => committed.push(sealed),
    ...steps,
  }
  return new TenantWriter(
    { flushBytes: 10_000, flushIntervalMs: 0, objectsInFlight: 2, ...settings },
    manual,
    new SimulatedClock(scheduler),
    new SimulatedTimers(scheduler),
  )
}

function put(writer: TenantWriter, value = 'x', partition = 0): Append {
  const append = new Append([appendBatch(topicId, partition, [value])])
  append.done.catch(() => {})
  writer.append(append)
  return append
}

const run = (main: () => Promise<void>) => scheduler.run(main)
const turn = () => scheduler.sleep(0)
const appendsIn = (position: number) =>
  objects[position]!.sealed.partitions.reduce((sum, partition) => sum + partition.batches.length, 0)

function end(position: number): void {
  objects[position]!.upload.resolve()
  objects[position]!.commit.resolve()
}

describe('sealing', () => {
  test('of a quiet writer happens in the same turn, and requests of one turn share the object', () =>
    run(async () => {
      const writer = writerOf()
      const appends = [put(writer, 'a'), put(writer, 'b', 1), put(writer, 'c')]
      expect(objects).toHaveLength(0)
      await turn()
      expect(objects).toHaveLength(1)
      expect(objects[0]!.sealed.partitions.map(({ batches }) => batches.length)).toEqual([2, 1])
      end(0)
      const results = await Promise.all(appends.map((append) => append.done))
      expect(results.flat().map(({ baseOffset }) => baseOffset)).toEqual([0n, 2n, 1n])
      expect(scheduler.nowMs).toBe(0)
    }))

  test('waits while as many objects as allowed are under way, and more requests join the open one', () =>
    run(async () => {
      const writer = writerOf({ objectsInFlight: 1 })
      put(writer)
      await turn()
      const late = [put(writer), put(writer)]
      await scheduler.sleep(5_000)
      const later = put(writer)
      await turn()
      expect(objects).toHaveLength(1)
      end(0)
      await turn()
      await turn()
      expect(objects).toHaveLength(2)
      expect(appendsIn(1)).toBe(3)
      end(1)
      await Promise.all([...late, later].map((append) => append.done))
    }))

  test('of a full object happens at once, however many are under way', () =>
    run(async () => {
      const writer = writerOf({ objectsInFlight: 1, flushBytes: 1_000 })
      put(writer)
      await turn()
      put(writer, 'y'.repeat(400))
      put(writer, 'z'.repeat(400))
      expect(objects).toHaveLength(1)
      put(writer, 'z'.repeat(400))
      expect(objects).toHaveLength(2)
    }))

  test('keeps the interval since the last object, and starts with none', () =>
    run(async () => {
      const writer = writerOf({ flushIntervalMs: 250 })
      put(writer)
      await turn()
      end(0)
      await scheduler.sleep(100)
      put(writer)
      await scheduler.sleep(50)
      put(writer)
      await scheduler.sleep(200)
      expect(objects.map(({ atMs }) => atMs)).toEqual([0, 250])
      expect(appendsIn(1)).toBe(2)
      end(1)
      await scheduler.sleep(10_000)
      put(writer)
      await turn()
      expect(objects[2]!.atMs).toBe(10_350)
    }))

  test('by size in the turn of a first object leaves the next one its interval', () =>
    run(async () => {
      const writer = writerOf({ flushIntervalMs: 250, flushBytes: 500 })
      put(writer)
      put(writer, 'y'.repeat(500))
      put(writer)
      await turn()
      expect(objects).toHaveLength(1)
      await scheduler.sleep(251)
      expect(objects.map(({ atMs }) => atMs)).toEqual([0, 250])
    }))

  test('orders the partitions as their rows are locked, and keeps each one’s batches in the order they came', () =>
    run(async () => {
      const writer = writerOf()
      for (const partition of [10, 2, 10, 0]) put(writer, `${partition}`, partition)
      await turn()
      expect(objects[0]!.sealed.partitions.map(({ partition }) => partition)).toEqual([0, 2, 10])
    }))
})

describe('commits', () => {
  test('keep the order of sealing while uploads overlap and end out of order', () =>
    run(async () => {
      const writer = writerOf()
      const first = put(writer)
      await turn()
      const second = put(writer)
      await turn()
      expect(objects).toHaveLength(2)
      end(1)
      await turn()
      expect(commitCalls).toEqual([])
      end(0)
      await Promise.all([first.done, second.done])
      expect(commitCalls).toEqual(objects.map(({ sealed }) => sealed))
      expect(committed).toEqual(commitCalls)
      expect([(await first.done)[0]!.baseOffset, (await second.done)[0]!.baseOffset]).toEqual([0n, 1n])
    }))

  test('a failed upload fails its own requests only', () =>
    run(async () => {
      const writer = writerOf()
      const first = put(writer)
      await turn()
      const second = put(writer)
      await turn()
      end(1)
      objects[0]!.upload.reject(new AppendError('StoreUnavailable', 'away'))
      await expect(first.done).rejects.toMatchObject({ code: 'StoreUnavailable' })
      expect((await second.done)[0]!.outcome).toBe('accepted')
      expect(committed).toEqual([objects[1]!.sealed])
      await turn()
    }))

  test('an unexpected error, also of who is told of a commit, answers the requests as in doubt and goes on', () =>
    run(async () => {
      let told = 0
      const writer = writerOf(
        {},
        {
          committed() {
            if (told++ === 0) throw new TypeError('a mistake')
          },
        },
      )
      const first = put(writer)
      await turn()
      end(0)
      await expect(first.done).rejects.toMatchObject({ code: 'InDoubt' })
      const second = put(writer)
      await turn()
      end(1)
      expect(await second.done).toHaveLength(1)
    }))

  test('are told to the caller before the requests are answered', () =>
    run(async () => {
      const order: string[] = []
      const writer = writerOf({}, { committed: () => order.push('committed') })
      const append = put(writer)
      append.done.then(() => order.push('answered'))
      await turn()
      end(0)
      await append.done
      expect(order).toEqual(['committed', 'answered'])
    }))
})

test('a flush seals what is open and resolves when everything has been answered', () =>
  run(async () => {
    const writer = writerOf({ flushIntervalMs: 60_000, objectsInFlight: 1 })
    put(writer)
    await turn()
    const waiting = put(writer)
    let flushed = false
    const flush = writer.flush().then(() => {
      flushed = true
    })
    await turn()
    expect(objects).toHaveLength(2)
    end(0)
    await turn()
    expect(flushed).toBe(false)
    end(1)
    await flush
    expect(await waiting.done).toHaveLength(1)
    await writer.flush()
  }))
