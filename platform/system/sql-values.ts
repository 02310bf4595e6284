import pg from 'pg'
import type { SqlValue } from '../database.ts'

type Parser = (text: string) => unknown

const int8Oid = 20
const int2Oid = 21
const int4Oid = 23
const byteaOid = 17
const textArrayOid: number = 1009
const int2ArrayOid = 1005
const int4ArrayOid = 1007
const int8ArrayOid = 1016

/** `{1,2,NULL}`, the only shape our columns have, without a parser that walks the characters. */
function flatArray(element: Parser, general: Parser): Parser {
  return (text) => {
    if (text === '{}') return []
    if (text.charCodeAt(0) !== 0x7b || text.charCodeAt(1) === 0x7b) return general(text)
    const items = text.slice(1, -1).split(',')
    return items.map((item) => (item === 'NULL' ? null : element(item)))
  }
}

function nestedArray(element: Parser): Parser {
  const map = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(map) : value === null ? null : element(String(value))
  const strings = pg.types.getTypeParser(textArrayOid, 'text') as Parser
  return (text) => map(strings(text))
}

const toBigInt: Parser = (text) => BigInt(text)
const toNumber: Parser = (text) => Number(text)
const toBytes: Parser = (text) =>
  text.startsWith('\\x')
    ? Buffer.from(text.slice(2), 'hex')
    : (pg.types.getTypeParser(byteaOid, 'text') as Parser)(text)

const parsers = new Map<number, Parser>([
  [int8Oid, toBigInt],
  [int2Oid, toNumber],
  [int4Oid, toNumber],
  [byteaOid, toBytes],
  [int8ArrayOid, flatArray(toBigInt, nestedArray(toBigInt))],
  [int2ArrayOid, flatArray(toNumber, nestedArray(toNumber))],
  [int4ArrayOid, flatArray(toNumber, nestedArray(toNumber))],
])

/** Result types of our pools only: pg's own table is global to the process. */
export const sqlTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): Parser {
    const own = format === 'binary' ? undefined : parsers.get(oid)
    return own ?? (pg.types.getTypeParser(oid, format) as Parser)
  },
}

/** What pg puts on the wire for a parameter: text, or raw bytes for bytea. */
export function toWire(value: SqlValue): string | Buffer | null {
  if (value === null) return null
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return asBuffer(value)
  if (typeof value === 'object') return arrayLiteral(value)
  return String(value)
}

function arrayLiteral(values: readonly SqlValue[]): string {
  let literal = '{'
  for (let index = 0; index < values.length; index++) {
    if (index > 0) literal += ','
    literal += arrayElement(values[index]!)
  }
  return `${literal}}`
}

function arrayElement(value: SqlValue): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`
  if (value instanceof Uint8Array) return `"\\\\x${asBuffer(value).toString('hex')}"`
  if (typeof value === 'object') return arrayLiteral(value)
  return String(value)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
