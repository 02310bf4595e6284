import { expect, it } from 'vitest'
import { deferred } from './deferred.ts'
import { Semaphore } from './semaphore.ts'

it('slots go to those who wait in the order they came', async () => {
  const semaphore = new Semaphore(1)
  const order: string[] = []
  await semaphore.acquire()
  const waiters = ['a', 'b', 'c'].map((name) => semaphore.acquire().then(() => order.push(name)))
  expect(semaphore.tryAcquire()).toBe(false)
  for (const waiter of waiters) {
    semaphore.release()
    await waiter
  }
  expect(order).toEqual(['a', 'b', 'c'])
  expect(semaphore.free).toBe(0)
  semaphore.release()
  expect(semaphore.free).toBe(1)
  expect(() => semaphore.release()).toThrow('more slots than it lent')
})

it('a wait that is aborted gives its place up', async () => {
  const semaphore = new Semaphore(1)
  await semaphore.acquire()
  const abort = new AbortController()
  const impatient = semaphore.acquire(abort.signal)
  const patient = semaphore.acquire()
  abort.abort(new Error('enough'))
  await expect(impatient).rejects.toThrow('enough')
  semaphore.release()
  await patient
  await expect(semaphore.acquire(abort.signal)).rejects.toThrow('enough')
})

it('work that fails gives its slot back, and no more than the slots run at once', async () => {
  const semaphore = new Semaphore(2)
  const gate = deferred()
  let running = 0
  let most = 0
  const work = async (fail: boolean) => {
    running++
    most = Math.max(most, running)
    await gate.promise
    running--
    if (fail) throw new Error('failed')
  }
  const all = Promise.allSettled(
    [true, false, true, false, false].map((fail) => semaphore.run(() => work(fail))),
  )
  gate.resolve()
  await all
  expect(most).toBe(2)
  expect(semaphore.free).toBe(2)
})
