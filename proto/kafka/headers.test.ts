import { expect, it } from 'vitest'
import { CodecError } from './codec/errors.ts'
import { Reader } from './codec/reader.ts'
import { Writer } from './codec/writer.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  headerVersionOf,
} from './headers.ts'

it('header versions: follow flexibility, ApiVersions answers in the oldest form', () => {
  expect(headerVersionOf(0, 8)).toEqual({ request: 1, response: 0 })
  expect(headerVersionOf(0, 9)).toEqual({ request: 2, response: 1 })
  expect(headerVersionOf(17, 1)).toEqual({ request: 1, response: 0 })
  expect(headerVersionOf(18, 2)).toEqual({ request: 1, response: 0 })
  expect(headerVersionOf(18, 4)).toEqual({ request: 2, response: 0 })
  expect(headerVersionOf(18, 99)).toEqual({ request: 2, response: 0 })
  expect(headerVersionOf(9999, 3)).toEqual({ request: 1, response: 0 })
})

it('request header: reads back, with the client id in its old form in both versions', () => {
  for (const [requestApiVersion, size] of [
    [8, 13],
    [9, 14],
  ] as const) {
    const header = { requestApiKey: 0, requestApiVersion, correlationId: 5, clientId: 'abc' }
    const writer = new Writer()
    encodeRequestHeader(writer, header)
    const bytes = writer.finishBuffer()
    expect(bytes.length).toBe(size)
    expect(decodeRequestHeader(new Reader(bytes))).toEqual(header)
  }
})

it('request header: too short, is refused', () => {
  expect(() => decodeRequestHeader(new Reader(Buffer.from([0, 1, 0])))).toThrow(CodecError)
})

it('response header: reads back', () => {
  for (const version of [8, 9]) {
    const writer = new Writer()
    encodeResponseHeader(writer, 0, version, 77)
    const bytes = writer.finishBuffer()
    expect(bytes.length).toBe(version === 9 ? 5 : 4)
    expect(decodeResponseHeader(new Reader(bytes), 0, version)).toBe(77)
  }
})
