import { fixedRandom, ManualTime } from '@streamhouse/test/kubernetes/manual-time'
import { describe, expect, test } from 'vitest'
import { WorkQueue } from './work-queue.ts'

function newQueue() {
  const time = new ManualTime()
  const seen = { added: 0, retried: 0, depth: 0, waitedMs: -1, workedMs: -1 }
  const queue = new WorkQueue({
    clock: time,
    timers: time,
    random: fixedRandom,
    backoff: { initialMs: 5, maxMs: 60_000 },
    observer: {
      depth: (keys) => {
        seen.depth = keys
      },
      added: () => seen.added++,
      started: (waitedMs) => {
        seen.waitedMs = waitedMs
      },
      finished: (workedMs) => {
        seen.workedMs = workedMs
      },
      retried: () => seen.retried++,
    },
  })
  return { time, queue, seen }
}

describe('WorkQueue', () => {
  test('keys come out in the order they came, each once', async () => {
    const { queue, seen } = newQueue()
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key)
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['a', 'b', 'c'])
    expect(seen).toMatchObject({ added: 3, depth: 0 })
  })

  test('a key of low priority waits behind all others, until it is asked for normally', async () => {
    const { queue } = newQueue()
    for (const key of ['l1', 'l2', 'l3']) queue.add(key, 'low')
    queue.add('n1')
    queue.add('l3')
    queue.add('n1', 'low')
    const order = [await queue.take(), await queue.take(), await queue.take(), await queue.take()]
    expect(order).toEqual(['n1', 'l3', 'l1', 'l2'])
    expect(queue.depth).toBe(0)
  })

  test('a key added while it is worked on comes again, but not before it is done', async () => {
    const { queue } = newQueue()
    queue.add('a')
    expect(await queue.take()).toBe('a')
    queue.add('a')
    queue.add('b')
    expect(await queue.take()).toBe('b')
    let third: string | null | undefined
    void queue.take().then((key) => {
      third = key
    })
    await Promise.resolve()
    expect(third).toBeUndefined()
    queue.done('a')
    await Promise.resolve()
    await Promise.resolve()
    expect(third).toBe('a')
  })

  test('the wait after failures doubles up to the maximum, and forgetting resets it', async () => {
    const { queue, time, seen } = newQueue()
    for (let failure = 0; failure < 20; failure++) {
      const boundMs = Math.min(5 * 2 ** failure, 60_000)
      queue.addFailed('a')
      await time.pass(boundMs * 0.99)
      expect(queue.depth).toBe(0)
      await time.pass(boundMs * 0.01)
      expect(await queue.take()).toBe('a')
      queue.done('a')
    }
    expect(seen.retried).toBe(20)
    queue.forget('a')
    queue.addFailed('a')
    await time.pass(5)
    expect(queue.depth).toBe(1)
  })

  test('a wait that the server asked for is kept', async () => {
    const { queue, time } = newQueue()
    queue.addFailed('a', 7_000)
    await time.pass(6_999)
    expect(queue.depth).toBe(0)
    await time.pass(1)
    expect(queue.depth).toBe(1)
  })

  test('of two delays of one key the earlier holds', async () => {
    const { queue, time } = newQueue()
    queue.addAfter('a', 1_000)
    queue.addAfter('a', 100)
    queue.addAfter('a', 5_000)
    await time.pass(100)
    expect(await queue.take()).toBe('a')
    queue.done('a')
    await time.pass(10_000)
    expect(queue.depth).toBe(0)
  })

  test('time in the queue and of the work is measured', async () => {
    const { queue, time, seen } = newQueue()
    queue.add('a')
    await time.pass(30)
    await queue.take()
    await time.pass(70)
    expect(queue.unfinished()).toEqual({ totalMs: 70, longestMs: 70 })
    queue.done('a')
    expect(seen).toMatchObject({ waitedMs: 30, workedMs: 70 })
  })

  test('a closed queue lets its workers go and takes nothing more', async () => {
    const { queue, time } = newQueue()
    const waiting = queue.take()
    queue.addAfter('later', 10)
    queue.close()
    queue.add('a')
    await time.pass(20)
    expect(await waiting).toBeNull()
    expect(await queue.take()).toBeNull()
    expect(queue.depth).toBe(0)
  })
})
