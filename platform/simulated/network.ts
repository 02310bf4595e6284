import {
  type Connection,
  type ConnectionHandlers,
  type Listener,
  type ListenOptions,
  type Network,
  NetworkError,
} from '../network.ts'
import type { Random } from '../random.ts'
import type { Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'

export interface SimulatedNetworkOptions {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly faults: Faults
  /** Usual time one way; 0.5 when absent. */
  readonly latencyMs?: number
}

/** Bytes under way, in one direction, from which a writer is asked to wait. */
const highWaterBytes = 64 * 1024
const firstFreePort = 30_000

interface Bound {
  readonly host: string
  readonly accept: (connection: Connection) => void
}

/** The wires between the processes of a simulation. Each process has a name, which is its only address. */
export class SimulatedNetwork {
  readonly options: SimulatedNetworkOptions
  readonly #listeners = new Map<string, Bound>()
  readonly #connections = new Set<SimulatedConnection>()
  readonly #partitions = new Set<string>()
  #nextPort = firstFreePort

  constructor(options: SimulatedNetworkOptions) {
    this.options = options
  }

  /** The network as the process of this name sees it. Binding any address, such as 0.0.0.0, binds the name. */
  host(name: string): Network {
    return {
      listen: (options, accept) => this.#listen(name, options, accept),
      connect: (host, port, timeoutMs) => this.#connect(name, host, port, timeoutMs),
    }
  }

  /** Holds back everything between two processes until `heal`; dials time out. */
  partition(a: string, b: string): void {
    this.#partitions.add(pair(a, b))
  }

  heal(a: string, b: string): void {
    this.#partitions.delete(pair(a, b))
    for (const connection of [...this.#connections]) {
      if (pair(connection.localAddress, connection.remoteAddress) === pair(a, b)) connection.release()
    }
  }

  partitioned(a: string, b: string): boolean {
    return this.#partitions.has(pair(a, b))
  }

  /** The process is gone: its listeners close, its peers see their connections reset. */
  kill(name: string): void {
    for (const [address, bound] of [...this.#listeners]) {
      if (bound.host === name) this.#listeners.delete(address)
    }
    for (const connection of [...this.#connections]) {
      if (connection.localAddress === name) connection.die()
    }
  }

  forget(connection: SimulatedConnection): void {
    this.#connections.delete(connection)
  }

  async #listen(
    name: string,
    options: ListenOptions,
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    if (options.tls !== undefined) {
      throw new NetworkError('InvalidTls', 'The simulated network has no TLS')
    }
    const port = options.port === 0 ? this.#nextPort++ : options.port
    const address = `${name}:${port}`
    if (this.#listeners.has(address)) {
      throw new NetworkError('AddressInUse', `${address} is already in use`)
    }
    const bound = { host: name, accept }
    this.#listeners.set(address, bound)
    return {
      host: options.host,
      port,
      close: async () => {
        if (this.#listeners.get(address) === bound) this.#listeners.delete(address)
      },
    }
  }

  #connect(name: string, host: string, port: number, timeoutMs: number): Promise<Connection> {
    const { scheduler, faults, latencyMs = 0.5 } = this.options
    const address = `${host}:${port}`
    return new Promise((resolve, reject) => {
      const timer = scheduler.after(timeoutMs, () => {
        reject(
          new NetworkError('TimedOut', `${address} did not accept the connection within ${timeoutMs} ms`),
        )
      })
      scheduler.after(faults.latencyMs(latencyMs * 2, 'networkSlow'), () => {
        if (this.partitioned(name, host)) return
        timer.cancel()
        const bound = this.#listeners.get(address)
        if (bound === undefined || faults.strikes('networkRefused')) {
          reject(new NetworkError('Refused', `${address} refused the connection: nothing listens there`))
          return
        }
        const near = new SimulatedConnection(this, name, this.#nextPort++, host, port)
        const far = new SimulatedConnection(this, host, port, name, near.localPort)
        near.pairWith(far)
        far.pairWith(near)
        this.#connections.add(near).add(far)
        bound.accept(far)
        resolve(near)
      })
    })
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}

/** What a peer has been sent: bytes, or the end. */
type Parcel = Buffer | 'end'

class SimulatedConnection implements Connection {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #network: SimulatedNetwork
  /** Arrived, and not handed to the handlers yet. */
  readonly #inbox: Parcel[] = []
  /** Sent, and not arrived yet. */
  readonly #wire: (() => void)[] = []
  /** How many of those were due while a partition was in the way. */
  #held = 0
  #peer: SimulatedConnection | undefined
  #handlers: ConnectionHandlers | undefined
  #paused = false
  #ended = false
  #dead = false
  #closed = false
  #closeError: NetworkError | undefined
  #lastArrivalMs = 0
  #unreadBytes = 0
  #awaitsDrain = false

  constructor(
    network: SimulatedNetwork,
    localAddress: string,
    localPort: number,
    remoteAddress: string,
    remotePort: number,
  ) {
    this.#network = network
    this.localAddress = localAddress
    this.localPort = localPort
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
  }

  pairWith(peer: SimulatedConnection): void {
    this.#peer = peer
  }

  handle(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined) throw new Error('A connection takes its handlers once')
    this.#handlers = handlers
    this.#network.options.scheduler.after(0, () => {
      if (this.#closed) handlers.closed(this.#closeError)
      else this.flow()
    })
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ended || this.#closed || this.#dead) return false
    const bytes = Buffer.concat(chunks)
    if (bytes.byteLength === 0) return !this.#awaitsDrain
    const { faults, random } = this.#network.options
    if (faults.strikes('networkReset')) {
      this.#reset()
      return false
    }
    this.#unreadBytes += bytes.byteLength
    if (bytes.byteLength > 1 && faults.strikes('networkFragmented')) {
      const cut = 1 + random.integer(bytes.byteLength - 1)
      this.#send(bytes.subarray(0, cut))
      this.#send(bytes.subarray(cut))
    } else this.#send(bytes)
    this.#awaitsDrain ||= this.#unreadBytes >= highWaterBytes
    return !this.#awaitsDrain
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#network.options.scheduler.after(0, () => this.flow())
  }

  end(): void {
    if (this.#ended || this.#closed || this.#dead) return
    this.#ended = true
    this.#send('end')
  }

  destroy(): void {
    if (this.#closed || this.#dead) return
    const peer = this.#peer
    this.#network.options.scheduler.after(0, () => this.#close())
    this.#dead = true
    this.#arrive(() => peer?.reset())
  }

  /** The process of this side was killed: its handlers hear nothing, its peer gets a reset. */
  die(): void {
    this.#handlers = undefined
    this.destroy()
  }

  /** Hands over what has arrived, as far as the owner wants it. */
  flow(): void {
    while (this.#handlers !== undefined && !this.#paused && !this.#closed && !this.#dead) {
      const parcel = this.#inbox.shift()
      if (parcel === undefined) return
      if (parcel === 'end') this.#finish()
      else {
        this.#peer?.wasRead(parcel.byteLength)
        this.#handlers.data(parcel)
      }
    }
  }

  /** The peer cut the connection. */
  reset(): void {
    if (this.#dead) return
    this.#close(new NetworkError('Reset', `${this.remoteAddress}:${this.remotePort} reset the connection`))
  }

  receive(parcel: Parcel): void {
    this.#inbox.push(parcel)
    this.flow()
  }

  wasRead(bytes: number): void {
    this.#unreadBytes -= bytes
    if (!this.#awaitsDrain || this.#unreadBytes > highWaterBytes / 2) return
    this.#awaitsDrain = false
    this.#network.options.scheduler.after(0, () => {
      if (!this.#closed && !this.#dead) this.#handlers?.drained()
    })
  }

  #send(parcel: Parcel): void {
    const peer = this.#peer
    this.#arrive(() => peer?.receive(parcel))
  }

  /** Acts at the other side after the latency, never before what was sent earlier, and not through a partition. */
  #arrive(act: () => void): void {
    const { scheduler, faults, latencyMs = 0.5 } = this.#network.options
    const arrivalMs = scheduler.nowMs + faults.latencyMs(latencyMs, 'networkSlow')
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs)
    this.#wire.push(act)
    scheduler.after(this.#lastArrivalMs - scheduler.nowMs, () => {
      if (this.#network.partitioned(this.localAddress, this.remoteAddress)) this.#held++
      else this.#wire.shift()?.()
    })
  }

  /** Delivers, in order, what a partition held back. */
  release(): void {
    for (; this.#held > 0; this.#held--) this.#wire.shift()?.()
  }

  #reset(): void {
    const error = new NetworkError('Reset', `${this.remoteAddress}:${this.remotePort} reset the connection`)
    const { scheduler } = this.#network.options
    const peer = this.#peer
    scheduler.after(0, () => this.#close(error))
    scheduler.after(0, () => peer?.reset())
  }

  /** The peer's end was read: this side ends as well, as sockets here don't stay half open. */
  #finish(): void {
    this.end()
    this.#close()
  }

  #close(error?: NetworkError): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeError = error
    this.#network.forget(this)
    this.#handlers?.closed(error)
  }
}
