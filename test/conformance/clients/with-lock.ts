import { mkdir, rmdir, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const pauseMs = 200
/** Longer than anything that is done under a lock. */
const abandonedMs = 600_000

/** Does something while no other process does it: the lock is a folder, which only one can make. */
export async function withLock(path: string, action: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await mkdir(path)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const made = await stat(path).catch(() => null)
      if (made !== null && Date.now() - made.mtimeMs > abandonedMs) await rmdir(path).catch(() => {})
      await sleep(pauseMs)
    }
  }
  try {
    await action()
  } finally {
    await rmdir(path)
  }
}
