import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from '@streamhouse/platform/log'
import type { Readiness } from './readiness.ts'

export interface HealthServerOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly readiness: Readiness
  /** The metrics in Prometheus' text format. */
  readonly metrics: { metrics(): Promise<string>; readonly contentType: string }
  readonly log: Log
}

const maxConnections = 64
const maxHeaderBytes = 8_192
const requestTimeoutMs = 5_000
const plainText = 'text/plain; charset=utf-8'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Serves /livez, /readyz and /metrics to kubelets and Prometheus, on a port of its own. */
export class HealthServer {
  readonly #options: HealthServerOptions
  readonly #server: Server

  constructor(options: HealthServerOptions) {
    this.#options = options
    this.#server = createServer({ maxHeaderSize: maxHeaderBytes }, (request, response) =>
      this.#serve(request, response),
    )
    this.#server.maxConnections = maxConnections
    this.#server.headersTimeout = requestTimeoutMs
    this.#server.requestTimeout = requestTimeoutMs
    this.#server.keepAliveTimeout = requestTimeoutMs
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /** Binds the port; rejects when it cannot be had. Returns the port. */
  start(): Promise<number> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', (error) => this.#options.log.warn('The health server failed', { error }))
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Whoever sends a body has mistaken the port.
    request.on('data', () => request.destroy())
    let answer: Answer
    try {
      answer = await this.#answer(request)
    } catch (error) {
      this.#options.log.error('A health request failed', { error })
      answer = { status: 500, type: plainText, body: 'Internal error\n' }
    }
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
    })
    response.end(request.method === 'HEAD' ? '' : answer.body)
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { readiness, metrics } = this.#options
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { status: 405, type: plainText, body: 'Only GET and HEAD are served\n' }
    }
    switch (request.url?.split('?')[0]) {
      case '/livez':
        return { status: 200, type: plainText, body: 'ok\n' }
      case '/readyz': {
        const missing = await readiness.missing()
        return missing.length === 0
          ? { status: 200, type: plainText, body: 'ok\n' }
          : { status: 503, type: plainText, body: `Not ready: ${missing.join(', ')}\n` }
      }
      case '/metrics':
        return { status: 200, type: metrics.contentType, body: await metrics.metrics() }
      default:
        return { status: 404, type: plainText, body: 'There are /livez, /readyz and /metrics\n' }
    }
  }
}
