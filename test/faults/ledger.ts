/** A record that a client was told is stored. */
interface Acknowledgement {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

const violationsShown = 10

/** What was sent and what was acknowledged, to be held against what is read. Each writer numbers its records from 0. */
export class Ledger {
  readonly acknowledgements: Acknowledgement[] = []
  /** How many records each writer began to send. */
  readonly #begun = new Map<string, number>()

  get sent(): number {
    return [...this.#begun.values()].reduce((sum, count) => sum + count, 0)
  }

  /** The values of a writer's next records. */
  next(writer: string, count: number): string[] {
    const first = this.#begun.get(writer) ?? 0
    this.#begun.set(writer, first + count)
    return Array.from({ length: count }, (_, index) => valueFor(writer, first + index))
  }

  acknowledge(partition: number, baseOffset: number, values: readonly string[]): void {
    for (const [index, value] of values.entries()) {
      this.acknowledgements.push({ partition, offset: baseOffset + index, value })
    }
  }

  /**
   * Every way in which the log breaks its promise: an acknowledged record that is not at its offset, a record that is
   * there twice, was never sent, or comes out of its writer's order, an offset left out.
   */
  violations(log: readonly StoredRecord[]): string[] {
    const found: string[] = []
    const places = new Map<string, StoredRecord>()
    const values = new Map<string, string>()
    const lastOf = new Map<string, number>()
    const nextOf = new Map<number, number>()
    for (const record of log) {
      const where = placeOf(record)
      const expected = nextOf.get(record.partition) ?? 0
      if (record.offset !== expected) found.push(`${where} follows offset ${expected - 1}`)
      nextOf.set(record.partition, record.offset + 1)
      values.set(where, record.value)
      const [writer, number] = parse(record.value)
      if (number >= (this.#begun.get(writer) ?? 0) || record.value !== valueFor(writer, number)) {
        found.push(`${where} holds "${record.value.slice(0, 60)}", which nobody sent`)
        continue
      }
      const twin = places.get(record.value)
      if (twin !== undefined)
        found.push(`${writer}'s record ${number} is at ${placeOf(twin)} and at ${where}`)
      else if (number < (lastOf.get(`${writer} ${record.partition}`) ?? -1)) {
        found.push(`${where} holds ${writer}'s record ${number} behind a later one`)
      }
      places.set(record.value, record)
      lastOf.set(`${writer} ${record.partition}`, number)
    }
    for (const acknowledged of this.acknowledgements) {
      const where = placeOf(acknowledged)
      const value = values.get(where)
      if (value === acknowledged.value) continue
      const instead = value === undefined ? 'nothing' : `"${value.slice(0, 60)}"`
      found.push(`${where} was acknowledged as "${acknowledged.value.slice(0, 60)}" and holds ${instead}`)
    }
    return found.length > violationsShown
      ? [...found.slice(0, violationsShown), `and ${found.length - violationsShown} more`]
      : found
  }
}

function placeOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}@${offset}`
}

function valueFor(writer: string, number: number): string {
  return `${writer} ${number} ${'.'.repeat(number % 97)}`
}

function parse(value: string): [writer: string, number: number] {
  const [writer = '', number = ''] = value.split(' ')
  return [writer, /^\d+$/.test(number) ? Number(number) : Number.POSITIVE_INFINITY]
}
