import type { Random } from '@streamhouse/platform/random'

/** Bounds of exponential waiting. */
export interface BackoffBounds {
  readonly baseMs: number
  readonly maxMs: number
}

/** How long to wait before attempt number `failures` + 1: doubling from the base to the maximum, half of it by chance. */
export function backoffMs(failures: number, bounds: BackoffBounds, random: Random): number {
  const fullMs = Math.min(bounds.baseMs * 2 ** Math.min(failures, 40), bounds.maxMs)
  return fullMs / 2 + random.fraction() * (fullMs / 2)
}
