import type { Connection, Network } from '@streamhouse/platform/network'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import type { ApiCodec } from '@streamhouse/proto/kafka/codec/api-codec'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { decodeResponseHeader, encodeRequestHeader } from '@streamhouse/proto/kafka/headers'

/** The half of a codec that a client uses. */
export type ClientCodec<RequestInput, Response> = Pick<
  ApiCodec<unknown, Response, RequestInput, unknown>,
  'key' | 'name' | 'encodeRequest' | 'decodeResponse'
>

/** A request had no answer. */
export class NoAnswer extends Error {
  /** False when the request cannot have reached the broker. */
  readonly sent: boolean

  constructor(message: string, sent: boolean) {
    super(message)
    this.name = 'NoAnswer'
    this.sent = sent
  }
}

interface Pending {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: NoAnswer) => void
  readonly timer: Timer
}

const dialTimeoutMs = 3_000
const lengthBytes = 4

/** A pipelined connection to one broker. As with Kafka's own client, a request that times out ends it. */
export class BrokerConnection {
  readonly #connection: Connection
  readonly #timers: Timers
  readonly #clientId: string
  readonly #pending = new Map<number, Pending>()
  #unread: Buffer = Buffer.alloc(0)
  #correlationId = 0
  closed = false

  private constructor(connection: Connection, timers: Timers, clientId: string) {
    this.#connection = connection
    this.#timers = timers
    this.#clientId = clientId
    connection.handle({
      data: (chunk) => this.#receive(chunk),
      drained() {},
      closed: () => this.#end('The connection was closed'),
    })
  }

  static async dial(
    network: Network,
    timers: Timers,
    clientId: string,
    address: { readonly host: string; readonly port: number },
  ): Promise<BrokerConnection> {
    try {
      const connection = await network.connect(address.host, address.port, dialTimeoutMs)
      return new BrokerConnection(connection, timers, clientId)
    } catch (error) {
      throw new NoAnswer((error as Error).message, false)
    }
  }

  /** @throws NoAnswer */
  async call<RequestInput, Response>(
    codec: ClientCodec<RequestInput, Response>,
    version: number,
    request: RequestInput,
    timeoutMs: number,
  ): Promise<Response> {
    if (this.closed) throw new NoAnswer(`${codec.name}: the connection is closed`, false)
    const correlationId = this.#correlationId++
    const frame = encodeFrame(codec, version, request, correlationId, this.#clientId)
    const answer = new Promise<Buffer>((resolve, reject) => {
      const timer = this.#timers.after(timeoutMs, () => this.#end(`${codec.name} timed out`))
      this.#pending.set(correlationId, { resolve, reject, timer })
    })
    this.#connection.write([frame])
    const reader = new Reader(await answer)
    decodeResponseHeader(reader, codec.key, version)
    return codec.decodeResponse(reader, version)
  }

  close(): void {
    this.#end('The client closed the connection')
  }

  #end(reason: string): void {
    if (this.closed) return
    this.closed = true
    this.#connection.destroy()
    for (const { reject, timer } of this.#pending.values()) {
      timer.cancel()
      reject(new NoAnswer(reason, true))
    }
    this.#pending.clear()
  }

  #receive(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk])
    while (this.#unread.length >= lengthBytes) {
      const end = lengthBytes + this.#unread.readInt32BE(0)
      if (this.#unread.length < end) return
      const frame = this.#unread.subarray(lengthBytes, end)
      this.#unread = this.#unread.subarray(end)
      const pending = this.#pending.get(frame.readInt32BE(0))
      if (pending === undefined) continue
      this.#pending.delete(frame.readInt32BE(0))
      pending.timer.cancel()
      pending.resolve(frame)
    }
  }
}

function encodeFrame<RequestInput>(
  codec: ClientCodec<RequestInput, unknown>,
  version: number,
  request: RequestInput,
  correlationId: number,
  clientId: string,
): Buffer {
  const writer = new Writer()
  encodeRequestHeader(writer, {
    requestApiKey: codec.key,
    requestApiVersion: version,
    correlationId,
    clientId,
  })
  codec.encodeRequest(writer, request, version)
  const body = writer.finishBuffer()
  const length = Buffer.alloc(lengthBytes)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}
