import type { Timer, Timers } from '../timers.ts'

/** Node runs a longer delay after 1 ms, with a warning. */
const longestDelayMs = 2 ** 31 - 1

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout

  constructor(delayMs: number, keepAlive: boolean, callback: () => void) {
    this.#handle = this.#arm(delayMs, keepAlive, callback)
  }

  #arm(delayMs: number, keepAlive: boolean, callback: () => void): NodeJS.Timeout {
    const rest = delayMs - longestDelayMs
    const handle =
      rest > 0
        ? setTimeout(() => {
            this.#handle = this.#arm(rest, keepAlive, callback)
          }, longestDelayMs)
        : setTimeout(callback, Math.max(0, delayMs))
    return keepAlive ? handle : handle.unref()
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }
}

/** The event loop's timers. A pending sleep keeps the process alive, a pending callback does not. */
export const systemTimers: Timers = {
  after: (delayMs, callback) => new SystemTimer(delayMs, false, callback),

  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = new SystemTimer(delayMs, true, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },

  soon(callback) {
    setImmediate(callback)
  },
}
