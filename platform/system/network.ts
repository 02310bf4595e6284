import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  type Connection,
  type ConnectionHandlers,
  type Listener,
  type ListenOptions,
  type Network,
  NetworkError,
} from '../network.ts'
import { addressText, toNetworkError } from './network-errors.ts'

/** How long a peer that was told the end may keep the connection half open. */
const lingerMs = 2_000
const tlsHandshakeTimeoutMs = 10_000
const keepAliveInitialDelayMs = 30_000
/** Connections that wait to be accepted: a client fleet reconnects at once after a rolling restart. */
const backlog = 1_024

class SocketConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #socket: Socket
  #handlers: ConnectionHandlers | undefined
  #error: NetworkError | undefined
  #closed = false
  #discarding = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.remoteAddress = withoutMapping(socket.remoteAddress)
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = withoutMapping(socket.localAddress)
    this.localPort = socket.localPort ?? 0
    socket.on('error', (error) => {
      this.#error ??= toNetworkError(error, addressText(this.remoteAddress, this.remotePort))
    })
    socket.on('close', () => {
      this.#closed = true
      this.#handlers?.closed(this.#error)
    })
  }

  handle(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined) throw new Error('A connection takes its handlers once')
    this.#handlers = handlers
    const socket = this.#socket
    if (this.#closed) {
      setImmediate(() => handlers.closed(this.#error))
      return
    }
    socket.on('drain', () => {
      if (!this.#closed) handlers.drained()
    })
    socket.on('data', (chunk: Buffer) => {
      if (!this.#closed && !this.#discarding) handlers.data(chunk)
    })
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (!socket.writable) return false
    if (chunks.length === 1) return socket.write(chunks[0]!)
    // Corked writes leave as one writev instead of one packet each.
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
    return !socket.writableNeedDrain
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    // Before the handlers are there, resuming would throw the data away.
    if (this.#handlers !== undefined) this.#socket.resume()
  }

  end(): void {
    const socket = this.#socket
    if (socket.writableEnded || socket.destroyed) return
    socket.end(() => {
      const linger = setTimeout(() => socket.destroy(), lingerMs).unref()
      socket.once('close', () => clearTimeout(linger))
    })
    // A peer's own end is only seen while the stream is read; an owner that had paused wants no more data.
    if (socket.isPaused() || this.#handlers === undefined) {
      this.#discarding = true
      socket.resume()
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** A dual-stack listener reports IPv4 peers as `::ffff:a.b.c.d`. */
function withoutMapping(address: string | undefined): string {
  return address === undefined ? '' : address.startsWith('::ffff:') ? address.slice(7) : address
}

function createListeningServer(options: ListenOptions, accept: (connection: Connection) => void): Server {
  const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveInitialDelayMs }
  const onSocket = (socket: Socket) => accept(new SocketConnection(socket))
  const { tls } = options
  if (tls === undefined) return createServer(socketOptions, onSocket)
  const server = createTlsServer(
    {
      ...socketOptions,
      cert: tls.certificate,
      key: tls.privateKey,
      handshakeTimeout: tlsHandshakeTimeoutMs,
      minVersion: 'TLSv1.2',
      ...(tls.clientAuthority === undefined
        ? {}
        : { ca: tls.clientAuthority, requestCert: true, rejectUnauthorized: true }),
    },
    onSocket,
  )
  // A failed handshake concerns that peer only; without a listener the raw socket would stay open.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

function listen(options: ListenOptions, accept: (connection: Connection) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const address = addressText(options.host, options.port)
    let server: Server
    try {
      server = createListeningServer(options, accept)
    } catch (error) {
      reject(
        new NetworkError('InvalidTls', `Certificate or key for ${address} is not usable: ${error}`, error),
      )
      return
    }
    server.once('error', (error) => reject(toNetworkError(error, address)))
    server.listen({ host: options.host, port: options.port, backlog }, () => {
      const { port } = server.address() as AddressInfo
      server.removeAllListeners('error')
      // Errors of accept, such as too many open files, pass; the listener stays.
      server.on('error', () => {})
      resolve({ host: options.host, port, close: () => stopListening(server) })
    })
  })
}

/** The server's own callback would wait for every connection to end. */
function stopListening(server: Server): Promise<void> {
  if (server.listening) server.close()
  return new Promise((resolve) => setImmediate(resolve))
}

function connect(host: string, port: number, timeoutMs: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const address = addressText(host, port)
    const socket = netConnect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveInitialDelayMs,
    })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new NetworkError('TimedOut', `${address} did not accept the connection within ${timeoutMs} ms`))
    }, timeoutMs)
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(toNetworkError(error, address))
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(new SocketConnection(socket))
    })
  })
}

/** TCP and TLS of the operating system, without Nagle's delay. */
export const systemNetwork: Network = { listen, connect }
