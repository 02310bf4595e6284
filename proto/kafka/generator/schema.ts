import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Inclusive range of versions. */
export interface Range {
  readonly from: number
  readonly to: number
}

export type Primitive =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export interface Field {
  readonly name: string
  readonly prop: string
  readonly isArray: boolean
  /** A primitive's name, or null for a struct. */
  readonly primitive: Primitive | null
  readonly struct: Struct | null
  readonly versions: Range
  readonly nullable: Range | null
  readonly tag: number | null
  readonly defaultText: string | null
  readonly ignorable: boolean
  /** False for the one field that keeps its old form in flexible versions: the client id of request headers. */
  readonly mayBeCompact: boolean
}

export interface Struct {
  /** TypeScript name, unique in its file. */
  readonly name: string
  readonly fields: readonly Field[]
  /** Versions in which the struct occurs. */
  readonly scope: Range
  readonly flexibleFrom: number
  /** Requests refuse fields that a version lacks, responses drop them. */
  readonly strict: boolean
}

export interface Message {
  readonly root: Struct
  /** Every struct, inner ones first, the root last. */
  readonly structs: readonly Struct[]
}

export interface Definition {
  /** File name without extension. */
  readonly file: string
  readonly name: string
  readonly key: number | null
  readonly valid: Range
  readonly flexibleFrom: number
  readonly messages: readonly Message[]
}

interface FieldJson {
  name: string
  type: string
  versions: string
  nullableVersions?: string
  taggedVersions?: string
  flexibleVersions?: string
  tag?: number
  default?: string
  ignorable?: boolean
  fields?: FieldJson[]
}

interface MessageJson {
  fields: FieldJson[]
  structs?: { name: string; fields: FieldJson[] }[]
}

interface DefinitionJson {
  key?: number
  name: string
  validVersions: string
  flexibleVersions: string
  request?: MessageJson
  response?: MessageJson
  message?: MessageJson
}

const PRIMITIVES: ReadonlySet<string> = new Set([
  'bool',
  'int8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'float64',
  'uuid',
  'string',
  'bytes',
  'records',
])

export function parseRange(text: string | undefined, within: Range): Range | null {
  if (text === undefined || text === 'none') return null
  const match = /^(\d+)(?:-(\d+)|(\+))?$/.exec(text)
  if (match === null) throw new Error(`Version range '${text}' is not of the form 1, 1-3 or 1+`)
  const from = Number(match[1])
  const to = match[3] === '+' ? within.to : Number(match[2] ?? match[1])
  const clamped = { from: Math.max(from, within.from), to: Math.min(to, within.to) }
  return clamped.from > clamped.to ? null : clamped
}

export function loadDefinitions(directory: string): Definition[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => loadDefinition(directory, name))
}

function loadDefinition(directory: string, fileName: string): Definition {
  const json = JSON.parse(readFileSync(join(directory, fileName), 'utf8')) as DefinitionJson
  const valid = parseRange(json.validVersions, { from: 0, to: 1000 })
  if (valid === null) throw new Error(`${fileName} has no valid versions`)
  const flexibleFrom =
    parseRange(json.flexibleVersions, { from: 0, to: 1000 })?.from ?? Number.POSITIVE_INFINITY
  const parts: [string, MessageJson | undefined, boolean][] = [
    [`${json.name}Request`, json.request, true],
    [`${json.name}Response`, json.response, false],
    [json.name, json.message, false],
  ]
  const present = parts.flatMap(([name, body, strict]) =>
    body === undefined ? [] : [{ name, body, strict }],
  )
  const seen = new Map<string, number>()
  for (const { body } of present)
    for (const name of structNames(body)) seen.set(name, (seen.get(name) ?? 0) + 1)
  const messages = present.map(({ name, body, strict }) => {
    const prefix = (struct: string) => ((seen.get(struct) ?? 0) > 1 ? `${name}${struct}` : struct)
    return new MessageBuilder(prefix, valid, flexibleFrom, strict).build(name, body)
  })
  return {
    file: fileName.slice(0, -5),
    name: json.name,
    key: json.key ?? null,
    valid,
    flexibleFrom,
    messages,
  }
}

function structNames(body: MessageJson): Set<string> {
  const names = new Set<string>()
  const visit = (fields: readonly FieldJson[]) => {
    for (const field of fields) {
      if (field.fields === undefined) continue
      names.add(field.type.replace('[]', ''))
      visit(field.fields)
    }
  }
  visit(body.fields)
  for (const struct of body.structs ?? []) {
    names.add(struct.name)
    visit(struct.fields)
  }
  return names
}

class MessageBuilder {
  private readonly built = new Map<string, Struct>()
  private readonly shared = new Map<string, FieldJson[]>()
  private readonly prefix: (name: string) => string
  private readonly valid: Range
  private readonly flexibleFrom: number
  private readonly strict: boolean

  constructor(prefix: (name: string) => string, valid: Range, flexibleFrom: number, strict: boolean) {
    this.prefix = prefix
    this.valid = valid
    this.flexibleFrom = flexibleFrom
    this.strict = strict
  }

  build(name: string, body: MessageJson): Message {
    for (const struct of body.structs ?? []) this.shared.set(struct.name, struct.fields)
    const root = this.struct(name, body.fields, this.valid)
    return { root, structs: [...this.built.values()] }
  }

  private struct(name: string, fields: readonly FieldJson[], scope: Range): Struct {
    const made = {
      name,
      fields: fields.flatMap((field) => this.field(field, scope)),
      scope,
      flexibleFrom: this.flexibleFrom,
      strict: this.strict,
    }
    this.built.set(name, made)
    return made
  }

  private field(json: FieldJson, scope: Range): Field[] {
    const versions = parseRange(json.versions, scope)
    if (versions === null) return []
    const tagged = parseRange(json.taggedVersions, versions)
    if (tagged !== null && (tagged.from !== versions.from || tagged.to !== versions.to)) {
      throw new Error(`Field ${json.name} is tagged in some of its versions only`)
    }
    const isArray = json.type.startsWith('[]')
    const base = isArray ? json.type.slice(2) : json.type
    const primitive = PRIMITIVES.has(base) ? (base as Primitive) : null
    return [
      {
        name: json.name,
        prop: json.name.charAt(0).toLowerCase() + json.name.slice(1),
        isArray,
        primitive,
        struct: primitive === null ? this.structOf(base, json, versions) : null,
        versions,
        nullable: parseRange(json.nullableVersions, versions),
        tag: tagged === null ? null : (json.tag ?? null),
        defaultText: json.default ?? null,
        ignorable: json.ignorable ?? false,
        mayBeCompact: json.flexibleVersions !== 'none',
      },
    ]
  }

  private structOf(base: string, json: FieldJson, versions: Range): Struct {
    const name = this.prefix(base)
    if (json.fields !== undefined) return this.struct(name, json.fields, versions)
    const fields = this.shared.get(base)
    if (fields === undefined) throw new Error(`Type ${base} of field ${json.name} is not defined`)
    return this.built.get(name) ?? this.struct(name, fields, this.valid)
  }
}
