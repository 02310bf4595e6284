/** The wall clock's time when virtual time begins. */
export const startMs = Date.UTC(2026, 0, 1)

/**
 * Takes the place of Date.now. PGlite has the time of now() and clock_timestamp() from it, and leases, heartbeats and group
 * expiry are decided by those; its own timers go by it too, so that it must not jump while PGlite runs.
 */
export class VirtualDate {
  /** What tells the time. */
  nowMs: () => number = () => startMs
  readonly #realNow = Date.now

  install(): void {
    Date.now = () => this.nowMs()
  }

  uninstall(): void {
    Date.now = this.#realNow
  }
}
