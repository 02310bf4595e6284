import { createHash, randomBytes } from 'node:crypto'
import type { Abilities, SentRecord } from './client.ts'

/** The first timestamp of the samples: a whole second of 2024, in milliseconds. */
export const firstTimestamp = 1_710_000_000_000

/** Records with each combination that a codec may get wrong: null, empty, binary and text, with and without headers. */
export function oddRecords(
  partition: number,
  { headerList, nothing }: Pick<Abilities, 'headerList' | 'nothing'>,
): SentRecord[] {
  const plain = {
    partition,
    key: Buffer.from('key'),
    value: Buffer.from('value'),
    headers: [] as [string, Buffer | null][],
  }
  const records = [
    plain,
    { ...plain, key: null },
    { ...plain, value: null },
    { ...plain, key: null, value: nothing ? null : Buffer.alloc(0) },
    { ...plain, key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { ...plain, key: Buffer.from([0, 1, 2, 253, 254, 255]), value: randomBytes(200) },
    { ...plain, key: Buffer.from('Schlüssel'), value: Buffer.from('値 🚀'.repeat(50)) },
    { ...plain, headers: [['trace', Buffer.from('abc')]] },
    {
      ...plain,
      headers: [
        ['empty', Buffer.alloc(0)],
        [headerList ? 'empty' : 'full', Buffer.from('2')],
      ],
    },
    {
      ...plain,
      headers: [
        ['binary', Buffer.from([0, 255, 10, 13])],
        ['größe', Buffer.from('ü')],
      ],
    },
  ] satisfies Omit<SentRecord, 'timestamp'>[]
  return records.map((record, index) => ({ ...record, timestamp: firstTimestamp + index * 7 }))
}

/** Numbered text records, spread over partitions in turn: what a client without a notion of bytes can send too. */
export function numberedRecords(count: number, partitions: number, name = 'record'): SentRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    partition: index % partitions,
    key: Buffer.from(`${name}-${index}`),
    value: Buffer.from(`${name} ${index} ${createHash('sha256').update(`${name}${index}`).digest('hex')}`),
    headers: [],
    timestamp: firstTimestamp + index,
  }))
}

/** One record whose value no codec makes smaller. */
export function incompressibleRecord(partition: number, valueBytes: number): SentRecord {
  return {
    partition,
    key: Buffer.from('big'),
    value: randomBytes(valueBytes),
    headers: [],
    timestamp: firstTimestamp,
  }
}
