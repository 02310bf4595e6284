import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What may happen to a request. `slowDown`: refused with 503. `cutRequest`: the connection ends before all of it has
 * arrived. `dropReply`: it is done, and the connection ends instead of the answer. `cutReply`: half of the answer's body
 * arrives. `shortReply`: half of it arrives, announced as the whole. `late`: it is done three seconds later.
 */
export type StoreFault = 'slowDown' | 'cutRequest' | 'dropReply' | 'cutReply' | 'shortReply' | 'late'

const lateMs = 3_000

/** An HTTP proxy in front of an S3 server. Signatures stay valid: the host that was signed is passed on. */
export class S3Proxy {
  /** Asked for each try of a request. */
  fault: (method: string, path: string) => StoreFault | null = () => null
  readonly faulted = new Map<StoreFault, number>()
  readonly #server: Server
  readonly #target: URL

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(endpoint: string): Promise<S3Proxy> {
    const proxy = new S3Proxy(new URL(endpoint))
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.fault(request.method!, new URL(request.url!, this.#target).pathname)
    if (fault !== null) this.faulted.set(fault, (this.faulted.get(fault) ?? 0) + 1)
    request.on('error', () => {})
    if (fault === 'cutRequest') {
      request.once('data', () => request.socket.destroy())
      request.once('end', () => request.socket.destroy())
      return
    }
    const body = await bytesOf(request).catch(() => null)
    if (body === null) return
    if (fault === 'slowDown') {
      response.writeHead(503, { 'content-type': 'application/xml' })
      response.end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>')
      return
    }
    if (fault === 'late') await new Promise((resolve) => setTimeout(resolve, lateMs))
    const answer = await this.#forward(request, body).catch(() => null)
    if (answer === null || fault === 'dropReply') request.socket.destroy()
    else reply(response, answer, fault)
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { method, url, rawHeaders } = request
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#target
      const onward = httpRequest(
        { hostname, port, method, path: url, headers: rawHeaders, setDefaultHeaders: false },
        (message) => {
          bytesOf(message).then((bytes) => {
            resolve({ status: message.statusCode!, headers: message.rawHeaders, body: bytes })
          }, reject)
        },
      )
      onward.on('error', reject)
      onward.end(body)
    })
  }
}

interface Answer {
  readonly status: number
  readonly headers: string[]
  readonly body: Buffer
}

function reply(response: ServerResponse, { status, headers, body }: Answer, fault: StoreFault | null): void {
  const half = body.subarray(0, body.length >> 1)
  if (fault === 'cutReply' && body.length > 0) {
    response.writeHead(status, headers)
    response.write(half, () => response.socket?.destroy())
  } else if (fault === 'shortReply' && body.length > 0) {
    const shorter = headers.map((text, index) =>
      headers[index - 1]?.toLowerCase() === 'content-length' ? String(half.length) : text,
    )
    response.writeHead(status, shorter)
    response.end(half)
  } else {
    response.writeHead(status, headers)
    response.end(body)
  }
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
