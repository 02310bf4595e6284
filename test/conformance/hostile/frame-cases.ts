import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { metadata } from '@streamhouse/proto/kafka/generated/03-metadata'
import { apiVersions } from '@streamhouse/proto/kafka/generated/18-api-versions'
import { createTopics } from '@streamhouse/proto/kafka/generated/19-create-topics'
import { ApiKey } from '@streamhouse/proto/kafka/generated/api-keys'
import { decodeResponseHeader } from '@streamhouse/proto/kafka/headers'
import { encodeHeader, encodeRequest, type Wire } from '../wire.ts'
import { closed, errorName, type HostileCase } from './case.ts'

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

async function frameOrClosed(wire: Wire): Promise<string> {
  return (await wire.frame()) === null ? closed : 'answered'
}

function body(name: string, bytes: () => Buffer, answer: string): HostileCase {
  return {
    name,
    answer,
    async ask({ wire }) {
      wire.send(bytes())
      return frameOrClosed(wire)
    },
  }
}

function raw(name: string, bytes: () => Buffer, answer: string): HostileCase {
  return {
    name,
    answer,
    async ask({ wire }) {
      wire.write(bytes())
      return frameOrClosed(wire)
    },
  }
}

const namesAll = () => encodeRequest(metadata, 1, { topics: null, allowAutoTopicCreation: true }, 7)
const makesNothing = () => encodeRequest(createTopics, 5, { topics: [], timeoutMs: 1000 }, 7)

/** ApiVersions in a version that does not exist: the answer comes in version 0, so that any client can read it. */
const unknownApiVersions: HostileCase = {
  name: 'ApiVersions v99 is answered in v0, with the versions that are served, and the connection lives',
  answer: { error: 'UNSUPPORTED_VERSION', keys: [ApiKey.ApiVersions], next: 'NONE' },
  async ask({ wire }) {
    wire.send(encodeHeader(ApiKey.ApiVersions, 99, 4242))
    const reader = new Reader((await wire.frame())!)
    const correlationId = decodeResponseHeader(reader, ApiKey.ApiVersions, 0)
    const answer = apiVersions.decodeResponse(reader, 0)
    const next = await wire.call(apiVersions, 0, {})
    return {
      error: errorName(answer.errorCode),
      keys: answer.apiKeys.map((api) => api.apiKey).filter(() => correlationId === 4242),
      next: errorName(next.errorCode),
    }
  },
}

const negativeArray = body(
  'an array of a negative length',
  () => {
    return Buffer.concat([encodeHeader(ApiKey.Metadata, 1, 1), int32(-2)])
  },
  closed,
)

/** Malformed frames and headers: what the connection layer must survive. */
export const frameCases: readonly HostileCase[] = [
  unknownApiVersions,
  raw('a negative length', () => int32(-1), closed),
  raw('a length of 2 GiB', () => int32(0x7fffffff), closed),
  raw('text of another protocol', () => Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n'), closed),
  raw('a length of zero', () => int32(0), closed),
  body('a frame of three bytes', () => Buffer.from([0, 3, 0]), closed),
  body('an unknown API key', () => encodeHeader(9999, 0, 1), closed),
  body('a negative API key', () => encodeHeader(-2, 0, 1), closed),
  body('Metadata v99', () => encodeHeader(ApiKey.Metadata, 99, 1), closed),
  body('a negative version', () => encodeHeader(ApiKey.Metadata, -1, 1), closed),
  body('a header and no body', () => encodeHeader(ApiKey.CreateTopics, 5, 1), closed),
  body('a body that is cut', () => makesNothing().subarray(0, -3), closed),
  body(
    'an array of two billion topics',
    () => {
      return Buffer.concat([encodeHeader(ApiKey.Metadata, 1, 1), int32(0x7ffffff0)])
    },
    closed,
  ),
  {
    ...negativeArray,
    // Any negative length counts as null there.
    kafka: 'answered',
  },
  body(
    'a string that is longer than the frame',
    () => {
      return Buffer.concat([encodeHeader(ApiKey.Metadata, 1, 1), int32(1), Buffer.from([0x7f, 0xff, 97])])
    },
    closed,
  ),
  body('bytes behind the body', () => Buffer.concat([namesAll(), Buffer.alloc(9)]), 'answered'),
]
