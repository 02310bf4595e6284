import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testObjectStore } from '../contract/object-store.ts'
import { SimulatedClock } from './clock.ts'
import { type FaultRates, Faults } from './faults.ts'
import { SimulatedBucket, SimulatedObjectStore } from './object-store.ts'
import { pump } from './pump.ts'
import { SeededRandom } from './random.ts'
import { Scheduler } from './scheduler.ts'

function simulation(rates: FaultRates = {}) {
  const scheduler = new Scheduler()
  const faults = new Faults(new SeededRandom(1), rates)
  const bucket = new SimulatedBucket()
  const open = () =>
    new SimulatedObjectStore({ scheduler, clock: new SimulatedClock(scheduler), bucket, faults })
  return { scheduler, faults, bucket, open }
}

describe('SimulatedObjectStore', () => {
  const { scheduler, open } = simulation()
  const store = open()
  let tests = 0
  let stop: () => Promise<void>
  beforeAll(() => {
    stop = pump(scheduler)
  })
  afterAll(() => stop())
  testObjectStore(() => ({ store, prefix: `t${tests++}/` }))
})

describe('SimulatedObjectStore with faults', () => {
  it('a put whose answer is lost has happened, and its repetition succeeds', async () => {
    const { scheduler, faults, bucket, open } = simulation({ storeLostReply: 1 })
    await scheduler.run(async () => {
      const store = open()
      await expect(store.put('k', [Buffer.from('x')])).rejects.toMatchObject({ code: 'Unavailable' })
      expect(bucket.objects.has('k')).toBe(true)
      faults.set({})
      await store.put('k', [Buffer.from('x')])
      expect(faults.counts.get('storeLostReply')).toBe(1)
    })
  })

  it('a refusal leaves nothing behind, and a cut body is never short', async () => {
    const { scheduler, faults, bucket, open } = simulation({ storeThrottled: 1 })
    await scheduler.run(async () => {
      const store = open()
      await expect(store.put('k', [Buffer.from('x')])).rejects.toMatchObject({ code: 'Throttled' })
      expect(bucket.objects.size).toBe(0)
      faults.set({ storeTruncatedBody: 1 })
      await store.put('k', [Buffer.from('x')])
      await expect(store.get('k')).rejects.toMatchObject({ code: 'Unavailable' })
    })
  })

  it('a killed process hears no answer, though its request is done', async () => {
    const { scheduler, bucket, open } = simulation()
    await scheduler.run(async () => {
      const store = open()
      let heard = false
      void store.put('k', []).then(() => {
        heard = true
      })
      store.kill()
      await scheduler.sleep(1_000)
      expect([heard, bucket.objects.has('k')]).toEqual([false, true])
    })
  })
})
