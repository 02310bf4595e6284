/** A callback that is still to come. */
export interface Timer {
  /** Forgets the callback; harmless when it already ran. */
  cancel(): void
}

/** Runs things later. */
export interface Timers {
  /** Calls back once after `delayMs`. The timer alone does not keep a process alive. */
  after(delayMs: number, callback: () => void): Timer
  /** Resolves after `delayMs`, or rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Calls back once the events that are already waiting have been handled. */
  soon(callback: () => void): void
}
