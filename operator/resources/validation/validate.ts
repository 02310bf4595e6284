import type { Schema } from '../definition.ts'
import { compileCel, type Expression } from './cel.ts'

const maxProblems = 20
const rules = new Map<string, Expression>()
const patterns = new Map<string, RegExp>()

/**
 * Checks a value as the API server would: the structure first and, when that is right, the CEL rules. `before` is the value
 * that it replaces, for rules about change. Returns what is wrong, each beginning with the path of the field.
 */
export function validate(schema: Schema, value: unknown, before: unknown): string[] {
  const problems: string[] = []
  checkStructure(schema, value, '', problems)
  if (problems.length === 0) checkRules(schema, value, before, '', problems)
  return problems.slice(0, maxProblems)
}

function checkStructure(schema: Schema, value: unknown, path: string, problems: string[]): void {
  if (problems.length >= maxProblems) return
  const say = (problem: string): void => {
    problems.push(`${path === '' ? 'the manifest' : path}: ${problem}`)
  }
  const wanted = schema['x-kubernetes-int-or-string'] ? 'integer or string' : (schema.type ?? 'object')
  if (!hasType(schema, value)) {
    say(`${show(value)} is not of type ${wanted}`)
    return
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    say(`${show(value)} is not one of ${schema.enum.join(', ')}`)
    return
  }
  if (typeof value === 'string') checkText(schema, value, say)
  else if (typeof value === 'number') checkNumber(schema, value, say)
  else if (Array.isArray(value)) checkList(schema, value, path, say, problems)
  else if (typeof value === 'object' && value !== null) checkObject(schema, value, path, say, problems)
}

function hasType(schema: Schema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isSafeInteger(value)
  switch (schema.type) {
    case undefined:
      return true
    case 'integer':
      return Number.isSafeInteger(value) && (schema.format !== 'int32' || Math.abs(value as number) < 2 ** 31)
    case 'number':
      return Number.isFinite(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    default:
      return typeof value === schema.type
  }
}

type Say = (problem: string) => void

function checkText(schema: Schema, value: string, say: Say): void {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema
  const length = [...value].length
  if (length > maxLength) say(`may not be longer than ${maxLength} characters, it has ${length}`)
  else if (length < minLength) say(`may not be shorter than ${minLength} characters`)
  else if (pattern !== undefined && !cached(patterns, pattern, (text) => new RegExp(text)).test(value)) {
    say(`${show(value)} does not match ${pattern}`)
  }
}

function checkNumber(schema: Schema, value: number, say: Say): void {
  if (schema.minimum !== undefined && value < schema.minimum) say(`${value} is less than ${schema.minimum}`)
  if (schema.maximum !== undefined && value > schema.maximum) say(`${value} is more than ${schema.maximum}`)
}

function checkList(
  schema: Schema,
  value: readonly unknown[],
  path: string,
  say: Say,
  problems: string[],
): void {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = schema
  if (value.length < minItems) {
    say(`needs at least ${minItems} items`)
    return
  }
  if (value.length > maxItems) {
    say(`may not have more than ${maxItems} items, it has ${value.length}`)
    return
  }
  const seen = new Set<string>()
  for (const [at, item] of value.entries()) {
    if (items !== undefined) checkStructure(items, item, `${path}[${at}]`, problems)
    const identity = identityOf(schema, item)
    if (identity !== null && seen.has(identity)) say(`${identity} is there twice`)
    else if (identity !== null) seen.add(identity)
  }
}

function identityOf(schema: Schema, item: unknown): string | null {
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') return JSON.stringify(item)
  if (type !== 'map') return null
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return JSON.stringify(keys.map((key) => (item as Record<string, unknown> | null)?.[key]))
}

function checkObject(schema: Schema, value: object, path: string, say: Say, problems: string[]): void {
  const names = Object.keys(value)
  const {
    minProperties = 0,
    maxProperties = Number.POSITIVE_INFINITY,
    additionalProperties,
    properties,
  } = schema
  if (names.length < minProperties) {
    say(`needs at least ${minProperties} fields`)
    return
  }
  if (names.length > maxProperties) {
    say(`may not have more than ${maxProperties} entries, it has ${names.length}`)
    return
  }
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) say(`${name} is required`)
  if (properties === undefined && additionalProperties === undefined) return
  for (const [name, child] of Object.entries(value)) {
    const known =
      properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    const place = path === '' ? name : `${path}.${name}`
    if (known === undefined)
      problems.push(`${place}: there is no such field${nearest(name, Object.keys(properties ?? {}))}`)
    else checkStructure(known, child, place, problems)
  }
}

/** Suggests a field that differs in upper and lower case or in a letter or two. */
function nearest(name: string, known: readonly string[]): string {
  const letters = (text: string): string => [...text.toLowerCase()].sort().join('')
  const found = known.find(
    (each) => letters(each) === letters(name) || each.startsWith(name) || name.startsWith(each),
  )
  return found === undefined ? '' : `; did you mean ${found}`
}

function checkRules(schema: Schema, value: unknown, before: unknown, path: string, problems: string[]): void {
  for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
    const aboutChange = /\boldSelf\b/.test(rule)
    if (aboutChange && before === undefined) continue
    const variables = aboutChange ? { self: value, oldSelf: before } : { self: value }
    if (cached(rules, rule, compileCel)(variables) !== true) {
      problems.push(`${path === '' ? 'the manifest' : path}: ${message ?? `failed rule: ${rule}`}`)
    }
  }
  if (Array.isArray(value)) {
    // Items of lists have no predecessor here: no list of ours correlates its items.
    const { items } = schema
    if (items !== undefined)
      for (const [at, item] of value.entries()) checkRules(items, item, undefined, `${path}[${at}]`, problems)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties
    if (known === undefined) continue
    const previous = (before as Record<string, unknown> | null | undefined)?.[name]
    checkRules(known, child, previous, path === '' ? name : `${path}.${name}`, problems)
  }
}

function cached<T>(cache: Map<string, T>, text: string, make: (text: string) => T): T {
  let found = cache.get(text)
  if (found === undefined) {
    found = make(text)
    cache.set(text, found)
  }
  return found
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
