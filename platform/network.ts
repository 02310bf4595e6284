/** What a connection tells its owner. Calls come one at a time, and none after `closed`. */
export interface ConnectionHandlers {
  data(chunk: Buffer): void
  /** The peer read enough for writing to go on after `write` answered false. */
  drained(): void
  /** The connection is gone, by either side; `error` is absent after an orderly end. */
  closed(error?: Error): void
}

/** A byte stream to a peer. */
export interface Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  /** The address of this side, as the peer dialled it. */
  readonly localAddress: string
  readonly localPort: number
  /** Installs the handlers; data is held back until then. */
  handle(handlers: ConnectionHandlers): void
  /** Queues the chunks in order, without copying; false asks to wait for `drained`. */
  write(chunks: readonly Uint8Array[]): boolean
  /** Stops, or starts again, the flow of incoming data. */
  pause(): void
  resume(): void
  /** Ends the stream after what is queued has been sent. */
  end(): void
  /** Cuts the connection now. */
  destroy(): void
}

/** A bound address that accepts connections. */
export interface Listener {
  readonly host: string
  readonly port: number
  /** Stops accepting; connections that exist stay. */
  close(): Promise<void>
}

/** Certificates of a TLS listener, PEM. */
export interface TlsOptions {
  readonly certificate: string
  readonly privateKey: string
  /** Authority that client certificates must be signed by, when they are asked for. */
  readonly clientAuthority?: string
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly tls?: TlsOptions
}

/** Byte streams between processes. */
export interface Network {
  listen(options: ListenOptions, accept: (connection: Connection) => void): Promise<Listener>
  /** Rejects when the peer cannot be reached within `timeoutMs`. */
  connect(host: string, port: number, timeoutMs: number): Promise<Connection>
}

/** Why a listener could not be bound, a peer not be reached, or a connection ended out of order. */
export type NetworkErrorCode =
  | 'AddressInUse'
  | 'AddressUnavailable'
  | 'Denied'
  | 'HostNotFound'
  | 'Refused'
  | 'Unreachable'
  | 'TimedOut'
  | 'Reset'
  | 'InvalidTls'
  | 'Failed'

/** The only error a Network throws or hands to `closed`. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode

  constructor(code: NetworkErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'NetworkError'
    this.code = code
  }
}
