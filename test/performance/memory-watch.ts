import { treeMemory } from './process-usage.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const intervalMs = 1_000

/** Samples what all processes of a system together have in RAM, and keeps the most of it. */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout
  #privateMib = 0
  #sharedOnceMib = 0

  constructor(system: SystemUnderTest) {
    this.#timer = setInterval(() => {
      const parts = system.parts.map((part) => treeMemory(part.pid))
      const privateMib = parts.reduce((sum, part) => sum + part.privateMib, 0)
      const sharedOnceMib = parts.reduce((sum, part) => sum + part.sharedOnceMib, 0)
      this.#privateMib = Math.max(this.#privateMib, privateMib)
      this.#sharedOnceMib = Math.max(this.#sharedOnceMib, sharedOnceMib)
    }, intervalMs)
  }

  /** Pages that belong to one process alone. */
  get peakPrivateMib(): number {
    return this.#privateMib
  }

  /** All pages, those that processes share counted once: with Postgres, its shared buffers too. */
  get peakSharedOnceMib(): number {
    return this.#sharedOnceMib
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
