import type { Field, Primitive, Range, Struct } from './schema.ts'

const RESERVED: ReadonlySet<string> = new Set([
  'r',
  'w',
  'm',
  'v',
  'i',
  'flex',
  'count',
  'tags',
  'default',
  'new',
  'in',
])

/** Name of the local variable that holds a field. */
export function localOf(field: Field): string {
  return RESERVED.has(field.prop) ? `${field.prop}_` : field.prop
}

/** Condition on `v` that holds in `range`, knowing that `v` is in `scope`; null when it always holds. */
export function condition(range: Range, scope: Range): string | null {
  const parts: string[] = []
  if (range.from === range.to && scope.from !== scope.to) return `v === ${range.from}`
  if (range.from > scope.from) parts.push(`v >= ${range.from}`)
  if (range.to < scope.to) parts.push(`v <= ${range.to}`)
  return parts.length === 0 ? null : parts.join(' && ')
}

const PRIMITIVE_TYPES: Record<Primitive, string> = {
  bool: 'boolean',
  int8: 'number',
  int16: 'number',
  uint16: 'number',
  int32: 'number',
  uint32: 'number',
  int64: 'bigint',
  float64: 'number',
  uuid: 'string',
  string: 'string',
  bytes: 'Buffer',
  records: 'Buffer',
}

export function elementType(field: Field, input: boolean): string {
  if (field.struct !== null) return input ? `${field.struct.name}Input` : field.struct.name
  const primitive = field.primitive as Primitive
  if (input && (primitive === 'bytes' || primitive === 'records')) return 'Pieces'
  return PRIMITIVE_TYPES[primitive]
}

export function fieldType(field: Field, input: boolean): string {
  const element = elementType(field, input)
  const type = field.isArray ? `${input ? 'readonly ' : ''}${element}[]` : element
  return field.nullable === null ? type : `${type} | null`
}

function sameRange(a: Range, b: Range): boolean {
  return a.from === b.from && a.to === b.to
}

/** A field that is nullable wherever it exists and names no default is null when left out. */
export function defaultsToNull(field: Field): boolean {
  if (field.defaultText === 'null') return true
  return field.defaultText === null && field.nullable !== null && sameRange(field.nullable, field.versions)
}

/** True when a message to encode may leave the field out. */
export function isOptional(field: Field, struct: Struct): boolean {
  if (field.tag !== null || field.defaultText !== null || defaultsToNull(field)) return true
  return !sameRange(field.versions, struct.scope)
}

export function defaultExpression(field: Field): string {
  if (defaultsToNull(field)) return 'null'
  if (field.isArray) return '[]'
  if (field.struct !== null) return defaultStruct(field.struct)
  const text = field.defaultText
  switch (field.primitive) {
    case 'bool':
      return text === 'true' ? 'true' : 'false'
    case 'int64':
      return `${BigInt(text ?? '0')}n`
    case 'string':
      return `'${text ?? ''}'`
    case 'uuid':
      return 'ZERO_UUID'
    case 'bytes':
    case 'records':
      return 'EMPTY_BYTES'
    default:
      return String(Number(text ?? '0'))
  }
}

function defaultStruct(struct: Struct): string {
  return `{ ${struct.fields.map((field) => `${field.prop}: ${defaultExpression(field)}`).join(', ')} }`
}

/** Condition that holds when `value`, which may be undefined for an optional field, differs from the default. */
export function differsFromDefault(field: Field, value: string): string {
  const given = `${value} !== undefined`
  if (field.defaultText === 'null') return `${given} && ${value} !== null`
  const notNull = field.nullable === null ? given : `${given} && ${value} !== null`
  if (field.isArray) return `${notNull} && ${value}.length !== 0`
  if (field.struct !== null) return `${notNull} && !isDefault${field.struct.name}(${value})`
  if (field.primitive === 'bytes' || field.primitive === 'records')
    return `${notNull} && piecesLength(${value}) !== 0`
  if (defaultsToNull(field)) return `${notNull} && ${value} !== ''`
  return `${given} && ${value} !== ${defaultExpression(field)}`
}

const FIXED_SIZES: Partial<Record<Primitive, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
}

export function fixedSize(field: Field): number | null {
  if (field.isArray || field.primitive === null) return null
  return FIXED_SIZES[field.primitive] ?? null
}

/** Fewest bytes that one element of an array field can take, in flexible or in old versions. */
export function elementSizeMin(field: Field, flexible: boolean): number {
  if (field.struct !== null) return structSizeMin(field.struct, flexible)
  const primitive = field.primitive as Primitive
  return FIXED_SIZES[primitive] ?? (flexible ? 1 : primitive === 'string' ? 2 : 4)
}

function structSizeMin(struct: Struct, flexible: boolean): number {
  let smallest = Number.POSITIVE_INFINITY
  for (let v = struct.scope.from; v <= struct.scope.to; v++) {
    if (v >= struct.flexibleFrom !== flexible) continue
    let size = flexible ? 1 : 0
    for (const field of struct.fields) {
      if (field.tag === null && v >= field.versions.from && v <= field.versions.to)
        size += fieldSizeMin(field, flexible)
    }
    smallest = Math.min(smallest, size)
  }
  return Number.isFinite(smallest) ? Math.max(1, smallest) : 1
}

function fieldSizeMin(field: Field, flexible: boolean): number {
  if (field.isArray) return flexible ? 1 : 4
  if (field.struct !== null) return field.nullable === null ? structSizeMin(field.struct, flexible) : 1
  return elementSizeMin(field, flexible)
}
