import { expect } from 'vitest'
import type { ReadRecord, SentRecord } from './client.ts'

interface Options {
  /** False when the writer cannot set timestamps: they are checked for being of this century only. */
  readonly timestamps?: boolean
  /** Offset of the first record of each partition; 0 when not given. */
  readonly firstOffset?: (partition: number) => number
}

/** Asserts that what was sent was read: each record once, unchanged, in the order of its partition, with no gap. */
export function expectSame(
  read: readonly ReadRecord[],
  sent: readonly SentRecord[],
  options: Options = {},
): void {
  const partitions = [...new Set(sent.map((record) => record.partition))].sort((a, b) => a - b)
  for (const partition of partitions) {
    const wanted = sent.filter((record) => record.partition === partition)
    const found = read.filter((record) => record.partition === partition)
    const first = options.firstOffset?.(partition) ?? 0
    expect(found.map((record) => record.offset)).toEqual(wanted.map((_, index) => first + index))
    const withTime = options.timestamps ?? true
    expect(found.map((record) => shown(record, withTime))).toEqual(
      wanted.map((record) => shown(record, withTime)),
    )
    if (!withTime) for (const record of found) expect(record.timestamp).toBeGreaterThan(Date.UTC(2020))
  }
  expect(read.length).toBe(sent.length)
}

/** Short enough for a message when a large record differs. */
function shown(record: SentRecord, withTime: boolean) {
  return {
    key: text(record.key),
    value: text(record.value),
    headers: record.headers.map(([name, value]) => `${name}=${text(value)}`),
    timestamp: withTime ? record.timestamp : null,
  }
}

function text(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('latin1')
}
