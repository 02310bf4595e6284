/** Tells the time. Two clocks, because wall time jumps: use it for what is stored, monotonic time for what is awaited. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  nowMs(): number
  /** Milliseconds since an arbitrary start, fractional, never going back. */
  monotonicMs(): number
}
