import { connect, type Socket } from 'node:net'
import type { ApiCodec } from '@streamhouse/proto/kafka/codec/api-codec'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { apiVersions } from '@streamhouse/proto/kafka/generated/18-api-versions'
import { decodeResponseHeader, encodeRequestHeader } from '@streamhouse/proto/kafka/headers'

const frameTimeoutMs = 30_000
const lengthBytes = 4

/** The half of a codec that a client uses. */
export type ClientCodec<RequestInput, Response> = Pick<
  ApiCodec<unknown, Response, RequestInput, unknown>,
  'key' | 'name' | 'encodeRequest' | 'decodeResponse'
>

/** A connection on which any bytes can be sent, and well-formed requests too. */
export class Wire {
  readonly #socket: Socket
  readonly #frames: Buffer[] = []
  readonly #waiting: ((frame: Buffer | null) => void)[] = []
  #unread: Buffer = Buffer.alloc(0)
  #closed = false
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
      for (const resolve of this.#waiting.splice(0)) resolve(null)
    })
  }

  static connect(bootstrap: string): Promise<Wire> {
    const colon = bootstrap.lastIndexOf(':')
    const socket = connect({
      host: bootstrap.slice(0, colon),
      port: Number(bootstrap.slice(colon + 1)),
      noDelay: true,
    })
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(new Wire(socket)))
      socket.once('error', reject)
    })
  }

  /** Sends bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Sends a body behind its right length. */
  send(body: Buffer): void {
    const length = Buffer.alloc(lengthBytes)
    length.writeInt32BE(body.length)
    this.#socket.write(Buffer.concat([length, body]))
  }

  /** The next frame without its length; null when the server closed the connection instead. */
  async frame(timeoutMs = frameTimeoutMs): Promise<Buffer | null> {
    const ready = this.#frames.shift()
    if (ready !== undefined) return ready
    if (this.#closed) return null
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(settle), 1)
        reject(new Error(`No answer and no end of the connection within ${timeoutMs} ms`))
      }, timeoutMs)
      const settle = (frame: Buffer | null) => {
        clearTimeout(timer)
        resolve(frame)
      }
      this.#waiting.push(settle)
    })
  }

  /** Sends a request and reads its answer. Fails when the connection is closed or the answer has another id. */
  async call<RequestInput, Response>(
    codec: ClientCodec<RequestInput, Response>,
    version: number,
    request: RequestInput,
  ): Promise<Response> {
    const correlationId = this.#correlationId++
    this.send(encodeRequest(codec, version, request, correlationId))
    const frame = await this.frame()
    if (frame === null) throw new Error(`The connection was closed on ${codec.name} v${version}`)
    const reader = new Reader(frame)
    const answered = decodeResponseHeader(reader, codec.key, version)
    if (answered !== correlationId) throw new Error(`Answer ${answered} came to request ${correlationId}`)
    return codec.decodeResponse(reader, version)
  }

  /** The versions that the server serves, by API key. */
  async served(): Promise<Map<number, { minVersion: number; maxVersion: number }>> {
    const answer = await this.call(apiVersions, 3, {
      clientSoftwareName: 'conformance',
      clientSoftwareVersion: '1',
    })
    return new Map(answer.apiKeys.map((api) => [api.apiKey, api]))
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    while (this.#unread.length >= lengthBytes) {
      const end = lengthBytes + this.#unread.readInt32BE(0)
      if (this.#unread.length < end) return
      const frame = this.#unread.subarray(lengthBytes, end)
      this.#unread = this.#unread.subarray(end)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#frames.push(frame)
      else waiting(frame)
    }
  }
}

/** Header and body of a request, without the length in front. */
export function encodeRequest<RequestInput>(
  codec: ClientCodec<RequestInput, unknown>,
  version: number,
  request: RequestInput,
  correlationId: number,
): Buffer {
  return Buffer.concat([encodeHeader(codec.key, version, correlationId), encodeBody(codec, version, request)])
}

export function encodeHeader(apiKey: number, apiVersion: number, correlationId: number): Buffer {
  const writer = new Writer()
  encodeRequestHeader(writer, {
    requestApiKey: apiKey,
    requestApiVersion: apiVersion,
    correlationId,
    clientId: 'conformance',
  })
  return writer.finishBuffer()
}

function encodeBody<RequestInput>(
  codec: ClientCodec<RequestInput, unknown>,
  version: number,
  request: RequestInput,
): Buffer {
  const writer = new Writer()
  codec.encodeRequest(writer, request, version)
  return writer.finishBuffer()
}
