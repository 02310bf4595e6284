import { expect, it } from 'vitest'
import type { Clock } from '../clock.ts'
import type { Timers } from '../timers.ts'

/** What every pair of Timers and Clock does. `run` gives the work its own and waits for it. */
export function testTimers(
  run: (work: (timers: Timers, clock: Clock) => Promise<void>) => Promise<void>,
): void {
  const waited = (timers: Timers, delayMs: number) =>
    new Promise<void>((resolve) => {
      timers.after(delayMs, resolve)
    })

  it('callbacks come in the order they are due, not before their time', () =>
    run(async (timers, clock) => {
      const order: string[] = []
      const startMs = clock.monotonicMs()
      timers.after(40, () => order.push('late'))
      timers.after(5, () => order.push('early'))
      await timers.sleep(80)
      expect(order).toEqual(['early', 'late'])
      // Node's timers count whole milliseconds.
      expect(clock.monotonicMs() - startMs).toBeGreaterThan(78)
    }))

  it('a cancelled timer is silent, and cancelling again is harmless', () =>
    run(async (timers) => {
      let calls = 0
      const timer = timers.after(5, () => calls++)
      timer.cancel()
      timer.cancel()
      const done = timers.after(1, () => calls++)
      await timers.sleep(30)
      done.cancel()
      expect(calls).toBe(1)
    }))

  it('a sleep that is aborted rejects at once with the reason', () =>
    run(async (timers, clock) => {
      const abort = new AbortController()
      const startMs = clock.monotonicMs()
      timers.after(5, () => abort.abort(new Error('Woken')))
      await expect(timers.sleep(5_000, abort.signal)).rejects.toThrow('Woken')
      expect(clock.monotonicMs() - startMs).toBeLessThan(1_000)
      await expect(timers.sleep(5_000, abort.signal)).rejects.toThrow('Woken')
    }))

  it('soon calls back after the caller is done, before any delay', () =>
    run(async (timers) => {
      const order: string[] = []
      const later = waited(timers, 20).then(() => order.push('later'))
      timers.soon(() => order.push('soon'))
      order.push('now')
      await later
      expect(order).toEqual(['now', 'soon', 'later'])
    }))

  it('a delay longer than a 32-bit integer of milliseconds does not come early', () =>
    run(async (timers) => {
      let calls = 0
      const timer = timers.after(2 ** 32, () => calls++)
      await timers.sleep(20)
      timer.cancel()
      expect(calls).toBe(0)
    }))

  it('wall time goes on with monotonic time', () =>
    run(async (timers, clock) => {
      const [wallMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()]
      await timers.sleep(50)
      const difference = clock.nowMs() - wallMs - (clock.monotonicMs() - monotonicMs)
      expect(Math.abs(difference)).toBeLessThan(30)
      expect(Number.isInteger(clock.nowMs())).toBe(true)
    }))
}
