import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'

const count = 5_000
const lines = ['north', 'south', 'east', 'west', 'central']
const states = ['accepted', 'picked', 'packed', 'shipped', 'delivered', 'returned']

/**
 * Writes a file of records for Kafka's ProducerPerformance, one a line: JSON of exactly the given size, which compresses as
 * events do. The tool's own random letters hardly compress, and making them takes most of its processor time.
 */
export async function writePayloads(file: string, sizeBytes: number): Promise<void> {
  const records = Array.from({ length: count }, (_, position) => record(position, sizeBytes))
  await writeFile(file, records.join('\n'))
}

function record(position: number, sizeBytes: number): string {
  const event = {
    id: randomUUID(),
    order: 1_000_000 + position,
    line: lines[position % lines.length],
    at: 1_700_000_000_000 + position * 37,
    items: [] as object[],
    note: '',
  }
  while (JSON.stringify(event).length < sizeBytes - 120) {
    event.items.push({
      sku: randomUUID().slice(0, 8),
      state: states[Math.floor(Math.random() * states.length)],
      price: Math.floor(Math.random() * 10_000) / 100,
      quantity: 1 + Math.floor(Math.random() * 9),
    })
  }
  event.note = '.'.repeat(sizeBytes - JSON.stringify(event).length)
  return JSON.stringify(event)
}
