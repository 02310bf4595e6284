const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a duration such as `36h` or `1d12h`; -1 for `-1`, which means without end. */
export function parseDurationMs(text: string): number {
  if (text === '-1') return -1
  let totalMs = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+)(ms|s|m|h|d)/g))
    totalMs += Number(amount) * (unitMs[unit] ?? 0)
  return Math.min(totalMs, Number.MAX_SAFE_INTEGER)
}
