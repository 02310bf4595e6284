import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DataCodec } from '../codec/api-codec.ts'
import { Reader } from '../codec/reader.ts'
import { Writer } from '../codec/writer.ts'
import { consumerProtocolAssignment } from '../generated/consumer-protocol-assignment.ts'
import { consumerProtocolSubscription } from '../generated/consumer-protocol-subscription.ts'
import { controlRecordTypeSchema } from '../generated/control-record-type-schema.ts'
import { defaultPrincipalData } from '../generated/default-principal-data.ts'
import { endTxnMarker } from '../generated/end-txn-marker.ts'
import { apiCodecs } from '../generated/index.ts'
import { requestHeader } from '../generated/request-header.ts'
import { responseHeader } from '../generated/response-header.ts'
import { readGolden } from './golden-lines.ts'

const fixture = gunzipSync(readFileSync(join(import.meta.dirname, 'messages.tsv.gz'))).toString('utf8')
const lines = readGolden(fixture)

interface Codec {
  readonly minVersion: number
  readonly maxVersion: number
  decode(reader: Reader, version: number): object
  encode(writer: Writer, message: object, version: number): void
}

function codecsByName(): Map<string, Codec> {
  const codecs = new Map<string, Codec>()
  const data: readonly DataCodec<object>[] = [
    consumerProtocolAssignment,
    consumerProtocolSubscription,
    controlRecordTypeSchema,
    defaultPrincipalData,
    endTxnMarker,
    requestHeader,
    responseHeader,
  ]
  for (const codec of data) codecs.set(`data ${codec.name}`, codec)
  for (const api of apiCodecs) {
    codecs.set(`request ${api.name}`, { ...api, decode: api.decodeRequest, encode: api.encodeRequest })
    codecs.set(`response ${api.name}`, { ...api, decode: api.decodeResponse, encode: api.encodeResponse })
  }
  return codecs
}

describe('messages written by the Java client', () => {
  const codecs = codecsByName()

  it('are read and written back as the same bytes, in every version', () => {
    const wrong: string[] = []
    for (const { kind, name, version, variant, bytes } of lines) {
      const codec = codecs.get(`${kind} ${name}`)
      if (codec === undefined || version < codec.minVersion || version > codec.maxVersion) continue
      const label = `${kind} ${name} v${version} ${variant}`
      try {
        const reader = new Reader(bytes)
        const message = codec.decode(reader, version)
        reader.end()
        const writer = new Writer()
        codec.encode(writer, message, version)
        const again = writer.finishBuffer()
        if (!again.equals(bytes))
          wrong.push(`${label}: ${bytes.toString('hex')} became ${again.toString('hex')}`)
      } catch (error) {
        wrong.push(`${label}: ${String(error)}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('cover every version of every key in the schema', () => {
    const seen = new Set(lines.map((line) => `${line.kind} ${line.name} ${line.version}`))
    const missing: string[] = []
    for (const api of apiCodecs) {
      for (let version = api.minVersion; version <= api.maxVersion; version++) {
        for (const kind of ['request', 'response']) {
          if (!seen.has(`${kind} ${api.name} ${version}`)) missing.push(`${kind} ${api.name} ${version}`)
        }
      }
    }
    expect(missing).toEqual([])
  })
})
