import { appendFileSync } from 'node:fs'

/**
 * Says on one line that something was not tested and why, and adds the line to the file that STREAMHOUSE_SKIPS_FILE
 * names, so that a run's summary can count what it did not prove.
 */
export function skip(reason: string): void {
  const line = `skipped: ${reason.replace(/\s+/g, ' ')}`
  console.warn(line)
  const file = process.env.STREAMHOUSE_SKIPS_FILE
  if (file !== undefined && file !== '') appendFileSync(file, `${line}\n`)
}
