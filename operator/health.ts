import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly isLive: () => boolean
  readonly isReady: () => boolean
  /** Everything in Prometheus' text format. */
  readonly metrics: () => Promise<string>
}

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

const requestTimeoutMs = 5_000

/** Answers /livez, /readyz and /metrics. */
export async function serveHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => {
      request.resume()
      const path = request.url?.split('?', 1)[0] ?? ''
      answer(options, path, response).catch(() => response.destroy())
    },
  )
  server.maxConnections = 64
  server.listen(options.port, options.host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(options: HealthOptions, path: string, response: ServerResponse): Promise<void> {
  if (path === '/livez') return say(response, options.isLive())
  if (path === '/readyz') return say(response, options.isReady())
  if (path !== '/metrics') {
    response.writeHead(404).end('There is /livez, /readyz and /metrics\n')
    return
  }
  const text = await options.metrics()
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text)
}

function say(response: ServerResponse, fine: boolean): void {
  response.writeHead(fine ? 200 : 503, { 'content-type': 'text/plain' }).end(fine ? 'ok\n' : 'not yet\n')
}
