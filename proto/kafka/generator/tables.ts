import { readFileSync } from 'node:fs'
import { codecName, GENERATED } from './api-file.ts'
import type { Definition } from './schema.ts'

function rowsOf(path: string): string[][] {
  const [, ...rows] = readFileSync(path, 'utf8').trimEnd().split('\n')
  return rows.map((row) => row.split('\t'))
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

export function errorsFile(path: string): string {
  const rows = rowsOf(path)
  const codes = rows.map(([code, name]) => `  ${name}: ${code},`)
  const retriable = rows.filter(([, , flag]) => flag === 'true').map(([, name]) => `  ErrorCode.${name},`)
  return `${GENERATED}

/** Kafka's error codes by their names in the protocol. */
export const ErrorCode = {
${codes.join('\n')}
} as const

export type ErrorCodeName = keyof typeof ErrorCode

export type ErrorCode = (typeof ErrorCode)[ErrorCodeName]

/** Codes upon which clients try again by themselves. */
export const RETRIABLE_ERROR_CODES: ReadonlySet<number> = new Set([
${retriable.join('\n')}
])

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
)

/** Name of an error code; a number that Kafka does not know is given back as text. */
export function errorCodeName(code: number): string {
  return NAMES.get(code) ?? String(code)
}
`
}

export function topicConfigsFile(path: string): string {
  const rows = rowsOf(path).map(([name = '', type = '', value = '', valid = '']) => {
    return `  { name: ${quote(name)}, type: ${quote(type)}, default: ${quote(value)}, valid: ${quote(valid)} },`
  })
  return `${GENERATED}

export type TopicConfigType = 'BOOLEAN' | 'DOUBLE' | 'INT' | 'LIST' | 'LONG' | 'STRING'

export interface TopicConfigDefinition {
  readonly name: string
  readonly type: TopicConfigType
  /** As text, as DescribeConfigs answers it. */
  readonly default: string
  /** Kafka's own notation for the values it accepts; empty when any value will do. */
  readonly valid: string
}

export const TOPIC_CONFIGS = [
${rows.join('\n')}
] as const satisfies readonly TopicConfigDefinition[]

export type TopicConfigName = (typeof TOPIC_CONFIGS)[number]['name']
`
}

export function apiKeysFile(definitions: readonly Definition[]): string {
  const apis = definitions.filter((definition) => definition.key !== null)
  const keys = apis.map((api) => `  ${api.name}: ${api.key},`)
  const facts = apis.map((api) => {
    const flexible = Number.isFinite(api.flexibleFrom) ? api.flexibleFrom : 'Number.POSITIVE_INFINITY'
    const versions = `minVersion: ${api.valid.from}, maxVersion: ${api.valid.to}, flexibleFrom: ${flexible}`
    return `  { key: ${api.key}, name: '${api.name}', ${versions} },`
  })
  return `${GENERATED}

export const ApiKey = {
${keys.join('\n')}
} as const

export type ApiName = keyof typeof ApiKey

export interface ApiFacts {
  readonly key: number
  readonly name: ApiName
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact lengths and tagged fields; Infinity when there is none. */
  readonly flexibleFrom: number
}

export const API_FACTS: readonly ApiFacts[] = [
${facts.join('\n')}
]

export const API_FACTS_BY_KEY: ReadonlyMap<number, ApiFacts> = new Map(API_FACTS.map((facts) => [facts.key, facts]))
`
}

export function indexFile(definitions: readonly Definition[]): string {
  const apis = definitions.filter((definition) => definition.key !== null)
  const imports = apis.map((api) => `import { ${codecName(api)} } from './${api.file}.ts'`)
  return `${GENERATED}
import type { AnyApiCodec } from '../codec/api-codec.ts'
${imports.join('\n')}

/** Every codec, by ascending API key. */
export const apiCodecs: readonly AnyApiCodec[] = [
${apis.map((api) => `  ${codecName(api)},`).join('\n')}
]

export const apiCodecsByKey: ReadonlyMap<number, AnyApiCodec> = new Map(apiCodecs.map((codec) => [codec.key, codec]))
`
}
