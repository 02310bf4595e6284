import { CodecError } from './codec/errors.ts'
import type { Reader } from './codec/reader.ts'
import type { Writer } from './codec/writer.ts'
import { API_FACTS_BY_KEY, ApiKey } from './generated/api-keys.ts'
import { type RequestHeader, type RequestHeaderInput, requestHeader } from './generated/request-header.ts'
import { responseHeader } from './generated/response-header.ts'

export interface HeaderVersions {
  readonly request: 1 | 2
  readonly response: 0 | 1
}

/**
 * Header versions of an API version. Flexible versions have tagged fields in their headers, but for the response of
 * ApiVersions: a client asks before it knows what the broker speaks, so that answer keeps the first form (KIP-511).
 * A version beyond the known ones counts as flexible when the newest is; an unknown key has the oldest forms.
 */
export function headerVersionOf(apiKey: number, apiVersion: number): HeaderVersions {
  const facts = API_FACTS_BY_KEY.get(apiKey)
  const flexible = facts !== undefined && apiVersion >= facts.flexibleFrom
  return { request: flexible ? 2 : 1, response: flexible && apiKey !== ApiKey.ApiVersions ? 1 : 0 }
}

/** Reads a request header, whose version follows from the key and version in its first four bytes. */
export function decodeRequestHeader(reader: Reader): RequestHeader {
  if (reader.remaining < 8) {
    throw new CodecError('truncated', `Request header of ${reader.remaining} bytes is shorter than 8`)
  }
  const key = reader.buffer.readInt16BE(reader.position)
  const version = reader.buffer.readInt16BE(reader.position + 2)
  return requestHeader.decode(reader, headerVersionOf(key, version).request)
}

export function encodeRequestHeader(writer: Writer, header: RequestHeaderInput): void {
  const version = headerVersionOf(header.requestApiKey, header.requestApiVersion).request
  requestHeader.encode(writer, header, version)
}

export function encodeResponseHeader(
  writer: Writer,
  apiKey: number,
  apiVersion: number,
  correlationId: number,
): void {
  responseHeader.encode(writer, { correlationId }, headerVersionOf(apiKey, apiVersion).response)
}

/** Reads a response header and returns its correlation id. */
export function decodeResponseHeader(reader: Reader, apiKey: number, apiVersion: number): number {
  return responseHeader.decode(reader, headerVersionOf(apiKey, apiVersion).response).correlationId
}
