/** How the waits between tries grow. */
export interface BackoffOptions {
  /** Upper bound of the first wait. */
  readonly initialMs: number
  /** Upper bound of every wait. */
  readonly maxMs: number
  /** Growth from one wait's bound to the next; 2 when absent. */
  readonly factor?: number
}

/**
 * The wait before try number `attempt` + 1: exponential with full jitter, so that those who failed together don't come
 * back together.
 *
 * @param attempt tries that failed so far, from 1
 * @param fraction a random number from 0 up to but without 1
 */
export function backoffMs(attempt: number, options: BackoffOptions, fraction: number): number {
  const growth = (options.factor ?? 2) ** (Math.max(1, attempt) - 1)
  return Math.min(options.maxMs, options.initialMs * growth) * fraction
}
