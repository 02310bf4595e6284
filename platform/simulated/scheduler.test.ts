import { describe, expect, it } from 'vitest'
import { testTimers } from '../contract/timers.ts'
import { systemTimers } from '../system/timers.ts'
import { SimulatedClock } from './clock.ts'
import { SeededRandom } from './random.ts'
import { Scheduler, SimulationError } from './scheduler.ts'
import { SimulatedTimers } from './timers.ts'

describe('SimulatedTimers', () =>
  testTimers((work) => {
    const scheduler = new Scheduler()
    return scheduler.run(() => work(new SimulatedTimers(scheduler), new SimulatedClock(scheduler)))
  }))

/** Workers that sleep and do real asynchronous work, whose real duration differs from run to run. */
async function trace(seed: number, realDelayMs: () => number): Promise<string[]> {
  const scheduler = new Scheduler()
  const random = new SeededRandom(seed)
  const lines: string[] = []
  await scheduler.run(async () => {
    const worker = async (name: string) => {
      for (let round = 0; round < 10; round++) {
        await scheduler.sleep(random.integer(20))
        await scheduler.track(() => systemTimers.sleep(realDelayMs()))
        lines.push(`${name}${round}@${scheduler.nowMs}`)
      }
    }
    await Promise.all(['a', 'b', 'c'].map(worker))
  })
  return [...lines, String(scheduler.happened)]
}

describe('Scheduler', () => {
  it('a day of virtual time passes in no time', async () => {
    const scheduler = new Scheduler()
    await scheduler.run(() => scheduler.sleep(86_400_000), { maxMs: 1e9 })
    expect(scheduler.nowMs).toBe(86_400_000)
  })

  it('a seed gives the same course however long the real work takes, another seed another one', async () => {
    const fast = await trace(1, () => 0)
    const slow = await trace(1, () => Math.random() * 3)
    expect(slow).toEqual(fast)
    expect(await trace(2, () => 0)).not.toEqual(fast)
  })

  it('a standstill, an endless run and an exception are reported', async () => {
    await expect(new Scheduler().run(() => new Promise(() => {}))).rejects.toThrow(SimulationError)
    const endless = new Scheduler()
    const loop = async () => {
      for (;;) await endless.sleep(1)
    }
    await expect(endless.run(loop, { maxMs: 50 })).rejects.toThrow('Not over after 51 ms')
    await expect(new Scheduler().run(() => Promise.reject(new Error('Failed')))).rejects.toThrow('Failed')
  })

  it('a paused process hears late, a killed one never', async () => {
    const scheduler = new Scheduler()
    const [paused, killed] = [new SimulatedTimers(scheduler), new SimulatedTimers(scheduler)]
    const heard: string[] = []
    paused.after(10, () => heard.push(`paused@${scheduler.nowMs}`))
    killed.after(10, () => heard.push('killed'))
    paused.pause(100)
    killed.kill()
    await scheduler.run(() => scheduler.sleep(200))
    expect(heard).toEqual(['paused@100'])
  })
})

describe('SeededRandom', () => {
  it('equal seeds give equal streams, and a fork does not depend on what was drawn', () => {
    const [a, b] = [new SeededRandom(7), new SeededRandom(7)]
    expect([a.uuid(), a.integer(1_000), a.fraction()]).toEqual([b.uuid(), b.integer(1_000), b.fraction()])
    b.bytes(100)
    expect(a.fork('x').uuid()).toBe(b.fork('x').uuid())
    expect(a.fork('x').uuid()).not.toBe(a.fork('y').uuid())
    expect(new SeededRandom(8).uuid()).not.toBe(new SeededRandom(7).uuid())
  })

  it('numbers cover their range evenly, and ids are version 4 UUIDs', () => {
    const random = new SeededRandom('even')
    const counts = new Array(10).fill(0)
    for (let draw = 0; draw < 10_000; draw++) counts[random.integer(10)]++
    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(Math.max(...counts)).toBeLessThan(1_150)
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(() => random.integer(0)).toThrow(RangeError)
  })
})
