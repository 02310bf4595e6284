import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { Connection, Listener, Network, TlsOptions } from '@streamhouse/platform/network'
import { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import { ByteBudget } from '@streamhouse/platform/std/byte-budget'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import type { TenantDirectory } from '../auth/tenant-directory.ts'
import { AgentError } from '../errors.ts'
import { ClientConnection, type RequestRouter, type ServerStats } from './connection.ts'
import { ConnectionQuota } from './connection-quota.ts'
import { defaultServerLimits, type ServerLimits } from './limits.ts'

export interface KafkaListenerOptions {
  readonly name: string
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** What clients are told to connect to. */
  readonly advertisedHost: string
  /** The bound port when absent. */
  readonly advertisedPort?: number
  readonly tls?: TlsOptions
  /** The tenant of connections that do not authenticate. */
  readonly defaultTenant: string
}

export interface KafkaServerOptions {
  readonly network: Network
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly router: RequestRouter
  readonly tenants: TenantDirectory
  readonly listeners: readonly KafkaListenerOptions[]
  readonly limits?: Partial<ServerLimits>
}

/** Frames of a busy agent: a stock producer's five requests in flight, for a few producers. */
const framePool = { maxBufferBytes: 2 * 1024 * 1024, maxKeptBytes: 16 * 1024 * 1024 }

/** Where a listener is reached. */
export interface AdvertisedAddress {
  readonly host: string
  readonly port: number
}

/** The Kafka listeners of an agent and the connections made to them. */
export class KafkaServer {
  readonly stats: ServerStats = {
    connections: 0,
    accepted: 0,
    rejected: 0,
    protocolErrors: 0,
    bytesIn: 0,
    bytesOut: 0,
    requestsInFlight: 0,
  }
  readonly #options: KafkaServerOptions
  readonly #limits: ServerLimits
  readonly #budget: ByteBudget
  readonly #quota: ConnectionQuota
  readonly #frames = new BufferPool(framePool)
  readonly #listeners = new Map<string, Listener>()
  readonly #connections = new Set<ClientConnection>()
  #sweeper: Timer | null = null
  #stopping = false
  #allClosed: (() => void) | null = null

  constructor(options: KafkaServerOptions) {
    this.#options = options
    this.#limits = { ...defaultServerLimits, ...options.limits }
    this.#budget = new ByteBudget({
      maxBytes: this.#limits.maxTotalBytes,
      holderMaxBytes: this.#limits.maxConnectionBytes,
    })
    this.#quota = new ConnectionQuota({ ...options, maxConnections: this.#limits.maxConnections })
  }

  /** Bytes of requests in flight and of responses not sent yet. */
  get heldBytes(): number {
    return this.#budget.heldBytes
  }

  get maxHeldBytes(): number {
    return this.#limits.maxTotalBytes
  }

  /** Whether every listener is bound and accepts connections. */
  get listening(): boolean {
    return !this.#stopping && this.#listeners.size === this.#options.listeners.length
  }

  /**
   * Binds all listeners, or none.
   * @throws NetworkError
   */
  async start(): Promise<void> {
    try {
      for (const listener of this.#options.listeners) await this.#bind(listener)
    } catch (error) {
      await this.#stopListening()
      throw error
    }
    this.#scheduleSweep()
  }

  /** What clients of the listener are told to connect to. Known once the listener is bound. */
  advertisedAddress(listenerName: string): AdvertisedAddress {
    const options = this.#options.listeners.find((listener) => listener.name === listenerName)
    const bound = this.#listeners.get(listenerName)
    if (options === undefined || bound === undefined) {
      throw new AgentError('UnknownListener', `No listener named '${listenerName}' is bound`)
    }
    return { host: options.advertisedHost, port: options.advertisedPort ?? bound.port }
  }

  /** The port that the listener is bound to. */
  boundPort(listenerName: string): number {
    const bound = this.#listeners.get(listenerName)
    if (bound === undefined) {
      throw new AgentError('UnknownListener', `No listener named '${listenerName}' is bound`)
    }
    return bound.port
  }

  /** Stops accepting, answers what is in flight for at most `deadlineMs`, then cuts what is left. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    await this.#stopListening()
    const closed = new Promise<void>((resolve) => {
      this.#allClosed = resolve
    })
    for (const connection of [...this.#connections]) connection.drain()
    if (this.#connections.size === 0) this.#allClosed?.()
    const deadline = this.#options.timers.after(deadlineMs, () => this.#cutAll())
    await closed
    deadline.cancel()
    this.#sweeper?.cancel()
  }

  async #bind(options: KafkaListenerOptions): Promise<void> {
    const { name, host, port, tls } = options
    const where = tls === undefined ? { host, port } : { host, port, tls }
    const listener = await this.#options.network.listen(where, (transport) =>
      this.#accept(options, transport),
    )
    this.#listeners.set(name, listener)
  }

  async #stopListening(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()))
  }

  #accept(listener: KafkaListenerOptions, transport: Connection): void {
    const { router, clock, log } = this.#options
    if (this.#stopping || !this.#quota.admit(listener, this.stats.connections)) {
      this.stats.rejected++
      transport.destroy()
      return
    }
    this.stats.accepted++
    this.stats.connections++
    const connection = new ClientConnection({
      transport,
      router,
      clock,
      log,
      budget: this.#budget,
      frames: this.#frames,
      limits: this.#limits,
      stats: this.stats,
      listenerName: listener.name,
      tenantId: listener.defaultTenant,
      closed: (gone) => this.#forget(gone),
    })
    this.#connections.add(connection)
    connection.open()
  }

  #forget(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return
    this.stats.connections--
    this.#quota.release(connection.tenantId)
    if (this.#connections.size === 0) this.#allClosed?.()
  }

  #cutAll(): void {
    const inFlight = this.stats.requestsInFlight
    if (inFlight > 0) {
      this.#options.log.warn('Requests were cut off: the time for draining is over', {
        requests: inFlight,
        connections: this.#connections.size,
      })
    }
    for (const connection of [...this.#connections]) connection.destroy()
  }

  #scheduleSweep(): void {
    const { timers, clock } = this.#options
    this.#sweeper = timers.after(this.#limits.sweepIntervalMs, () => {
      const nowMs = clock.monotonicMs()
      for (const connection of [...this.#connections]) connection.sweep(nowMs)
      if (this.#budget.pressed) this.#relieve(nowMs)
      this.#scheduleSweep()
    })
  }

  /** Takes memory from clients that keep it and do not move, the largest shares first, for those that wait for it. */
  #relieve(nowMs: number): void {
    const patienceMs = this.#limits.maxPressedStallMs
    const stalled = [...this.#connections]
      .map((connection) => ({ connection, bytes: connection.stalledBytes(nowMs, patienceMs) }))
      .filter(({ bytes }) => bytes > 0)
      .sort((a, b) => b.bytes - a.bytes)
    for (const { connection, bytes } of stalled) {
      if (!this.#budget.pressed) return
      connection.fail('Closing a connection that keeps memory others wait for, and does not move', { bytes })
    }
  }
}
