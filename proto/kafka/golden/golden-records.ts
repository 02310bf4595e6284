import type { KafkaRecord } from '../codec/records.ts'

export const GOLDEN_BASE_OFFSET = 1000n
export const GOLDEN_BASE_TIMESTAMP = 1_700_000_000_000n

/** The records that `java/Batches.java` writes, by the same rules. */
export function expectedRecords(count: number): KafkaRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    offset: GOLDEN_BASE_OFFSET + BigInt(i),
    timestamp: GOLDEN_BASE_TIMESTAMP + BigInt(i * 10),
    key: i % 2 === 0 ? Buffer.from(`key-${i}`) : null,
    value: i === 3 ? null : Buffer.from(valueText(i)),
    headers:
      i % 3 === 0
        ? [
            { key: `h${i}`, value: Buffer.from(`x${i}`) },
            { key: 'none', value: null },
          ]
        : [],
  }))
}

function valueText(i: number): string {
  return Array.from({ length: 4 * i }, (_, j) => `value ${(i * j) % 10};`).join('')
}
