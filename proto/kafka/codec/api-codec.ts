import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * Codec of one API key, for all its versions. What is decoded has every field, those absent from the version at
 * their default; what is encoded may omit fields that have a default.
 */
export interface ApiCodec<Request, Response, RequestInput = Request, ResponseInput = Response> {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact lengths and tagged fields; Infinity when there is none. */
  readonly flexibleFrom: number
  /** Throws CodecError when the bytes are not a request of this version. */
  decodeRequest(reader: Reader, version: number): Request
  /** Throws CodecError `unsupported-field` when a field is set that the version lacks and that may not be ignored. */
  encodeRequest(writer: Writer, message: RequestInput, version: number): void
  decodeResponse(reader: Reader, version: number): Response
  /** Fields that the version lacks are left out silently. */
  encodeResponse(writer: Writer, message: ResponseInput, version: number): void
}

/** Codec of a message that is no request, such as what consumers put into JoinGroup's opaque bytes. */
export interface DataCodec<Message, Input = Message> {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  readonly flexibleFrom: number
  decode(reader: Reader, version: number): Message
  encode(writer: Writer, message: Input, version: number): void
}

export type AnyApiCodec = ApiCodec<object, object>
