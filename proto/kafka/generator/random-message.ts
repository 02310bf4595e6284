import type { Field, Primitive, Range, Struct } from './schema.ts'

/** Whole number from 0 up to, but without, the bound. */
export type RandomInt = (bound: number) => number

/** Small deterministic generator (mulberry32), for tests that must repeat. */
export function seededInt(seed: number): RandomInt {
  let state = seed | 0
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % bound
  }
}

function within(range: Range | null, version: number): boolean {
  return range !== null && version >= range.from && version <= range.to
}

/** A message of the struct with every field that the version carries. */
export function randomMessage(struct: Struct, version: number, random: RandomInt): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const field of struct.fields) {
    if (within(field.versions, version)) message[field.prop] = randomField(field, version, random)
  }
  return message
}

function randomField(field: Field, version: number, random: RandomInt): unknown {
  if (within(field.nullable, version) && random(4) === 0) return null
  if (!field.isArray) return randomValue(field, version, random)
  return Array.from({ length: random(4) }, () => randomValue(field, version, random))
}

function randomValue(field: Field, version: number, random: RandomInt): unknown {
  if (field.struct !== null) return randomMessage(field.struct, version, random)
  return randomPrimitive(field.primitive as Primitive, random)
}

const EDGES = [0, -1, 1, 127, -128]

function randomInteger(bits: number, random: RandomInt): number {
  const pick = random(EDGES.length * 2)
  const edge = EDGES[pick]
  if (edge !== undefined) return edge
  return (random(0x100000000) | 0) >> (32 - bits)
}

function randomPrimitive(primitive: Primitive, random: RandomInt): unknown {
  switch (primitive) {
    case 'bool':
      return random(2) === 1
    case 'int8':
      return randomInteger(8, random)
    case 'int16':
      return randomInteger(16, random)
    case 'uint16':
      return random(0x10000)
    case 'int32':
      return randomInteger(32, random)
    case 'uint32':
      return random(0x100000000)
    case 'int64':
      return (BigInt(randomInteger(32, random)) << 32n) | BigInt(random(0x100000000))
    case 'float64':
      return randomInteger(32, random) / 8
    case 'uuid':
      return `${hex(8, random)}-${hex(4, random)}-${hex(4, random)}-${hex(4, random)}-${hex(12, random)}`
    case 'string':
      return ['', 'a', 'topic-é', 'x'.repeat(random(200)), '日本語'][random(5)]
    case 'bytes':
    case 'records':
      return Buffer.alloc(random(8) === 0 ? 3000 : random(40), random(256))
  }
}

function hex(digits: number, random: RandomInt): string {
  return Array.from({ length: digits }, () => random(16).toString(16)).join('')
}
