import type { Extent } from '@streamhouse/storage/metadata/read-log'

/** A run of an object, as a key of the cache: the same range is never stored twice. */
export interface RunLocation {
  readonly objectKey: string
  readonly start: number
  readonly end: number
  readonly encoding: number
}

/** One GET, and the runs it brings. */
export interface PlannedRange {
  readonly objectKey: string
  readonly start: number
  readonly end: number
  readonly runs: readonly RunLocation[]
}

/** Reading this many bytes too much is cheaper than another request. */
const gapMaxBytes = 128 * 1024

/** A GET is not stretched beyond this, so that several can overlap. */
const rangeMaxBytes = 8 * 1024 * 1024

export function runOf(extent: Extent): RunLocation {
  return {
    objectKey: extent.objectKey,
    start: extent.storedStart,
    end: extent.storedStart + extent.storedLength,
    encoding: extent.encoding,
  }
}

export function runKey(run: RunLocation): string {
  return `${run.objectKey}@${run.start}`
}

/** Covers the runs with as few GETs as pays. */
export function planRanges(runs: readonly RunLocation[]): PlannedRange[] {
  const byObject = new Map<string, RunLocation[]>()
  for (const run of runs) {
    const list = byObject.get(run.objectKey)
    if (list === undefined) byObject.set(run.objectKey, [run])
    else list.push(run)
  }
  const ranges: PlannedRange[] = []
  for (const [objectKey, list] of byObject) {
    list.sort((a, b) => a.start - b.start)
    let open: { start: number; end: number; runs: RunLocation[] } | null = null
    for (const run of list) {
      if (open !== null && run.start - open.end <= gapMaxBytes && run.end - open.start <= rangeMaxBytes) {
        open.end = Math.max(open.end, run.end)
        open.runs.push(run)
      } else {
        if (open !== null) ranges.push({ objectKey, ...open })
        open = { start: run.start, end: run.end, runs: [run] }
      }
    }
    if (open !== null) ranges.push({ objectKey, ...open })
  }
  return ranges
}
