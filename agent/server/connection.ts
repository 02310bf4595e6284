import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { Connection } from '@streamhouse/platform/network'
import type { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import type { ByteBudget, ByteBudgetHolder } from '@streamhouse/platform/std/byte-budget'
import { Exchange, type ExchangeOwner } from './exchange.ts'
import { FrameReader } from './frames.ts'
import type { ServerLimits } from './limits.ts'
import { OrderGate } from './order-gate.ts'

/** Starts the request in a frame; the answer comes through the exchange, now or later. Must not throw. */
export interface RequestRouter {
  start(frame: Buffer, exchange: Exchange): void
}

/** Counters of all connections together, read when metrics are collected. */
export interface ServerStats {
  connections: number
  accepted: number
  rejected: number
  protocolErrors: number
  bytesIn: number
  bytesOut: number
  requestsInFlight: number
}

export interface ClientConnectionOptions {
  readonly transport: Connection
  readonly router: RequestRouter
  readonly budget: ByteBudget
  /** Where frames get their memory, and return it. */
  readonly frames: BufferPool
  readonly limits: ServerLimits
  readonly clock: Clock
  readonly log: Log
  readonly stats: ServerStats
  readonly listenerName: string
  readonly tenantId: string
  readonly closed: (connection: ClientConnection) => void
}

/** Replies go to the transport in portions, for only then its `drained` tells whether the client reads them. */
const portionBytes = 1024 * 1024
/** A frame that has begun may take this many times as long as one that brings no byte, while others wait for memory. */
const trickleFactor = 10

/**
 * One client. Requests start in the order in which they arrive and are handled side by side; replies leave in that
 * order too. It stops reading while too many requests are in flight, too many bytes are held, or the client does not
 * read its replies.
 */
export class ClientConnection implements ExchangeOwner {
  readonly clientHost: string
  readonly principal = 'User:ANONYMOUS'
  readonly listenerName: string
  readonly tenantId: string
  readonly gate = new OrderGate()
  readonly #options: ClientConnectionOptions
  readonly #transport: Connection
  readonly #limits: ServerLimits
  readonly #frames: FrameReader
  readonly #held: ByteBudgetHolder
  /** In arrival order; replies of those done leave from the front. */
  readonly #line: Exchange[] = []
  #inFlight = 0
  #abort: AbortController | null = null
  #pumping = false
  #paused = false
  #draining = false
  #closed = false
  /** Replies that wait until the transport has sent what it took. */
  readonly #unsent: Buffer[] = []
  #unsentBytes = 0
  /** Bytes of the last portion, while the transport has not sent it. */
  #portionBytes = 0
  /** Both together, as accounted for. */
  #queuedBytes = 0
  /** Reply bytes that wait for replies of earlier requests. */
  #waitingBytes = 0
  #blockedSinceMs = -1
  #activeMs: number
  #frameBeganMs = -1

  constructor(options: ClientConnectionOptions) {
    this.#options = options
    this.#transport = options.transport
    this.#limits = options.limits
    this.clientHost = options.transport.remoteAddress
    this.listenerName = options.listenerName
    this.tenantId = options.tenantId
    this.#frames = new FrameReader(options.limits.maxRequestBytes, options.frames)
    this.#activeMs = options.clock.monotonicMs()
    this.#held = options.budget.open({ pressure: () => {}, relief: () => this.#pump() })
  }

  /** Begins to read. */
  open(): void {
    this.#transport.handle({
      data: (chunk) => this.#received(chunk),
      drained: () => this.#drained(),
      closed: (error) => this.#ended(error),
    })
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      if (this.#closed) this.#abort.abort()
    }
    return this.#abort.signal
  }

  /** Requests whose replies have not been handed to the transport. */
  get inFlight(): number {
    return this.#line.length
  }

  /** Takes no more requests, and ends once those in flight have been answered. */
  drain(): void {
    this.#draining = true
    this.#steer()
    this.#endIfDrained()
  }

  /** Cuts the connection; handlers that still run see their signal aborted. */
  destroy(): void {
    if (!this.#closed) this.#transport.destroy()
    this.#ended()
  }

  /** Closes the connection when one of its times has run out. */
  sweep(nowMs: number): void {
    if (this.#closed) return
    const { maxIdleMs, maxStalledFrameMs, maxBlockedWriteMs } = this.#limits
    if (this.#blockedSinceMs >= 0) {
      if (nowMs - this.#blockedSinceMs > maxBlockedWriteMs) {
        this.fail('Closing a connection whose client does not read its responses', {
          queuedBytes: this.#queuedBytes,
        })
      }
    } else if (this.#frames.midFrame) {
      const stalled = !this.#paused && nowMs - this.#activeMs > maxStalledFrameMs
      if (stalled || nowMs - this.#frameBeganMs > maxIdleMs) {
        this.fail('Closing a connection whose request stopped halfway', {
          receivedBytes: this.#frames.bufferedBytes,
        })
      }
    } else if (this.#line.length === 0 && nowMs - this.#activeMs > maxIdleMs) {
      this.destroy()
    }
  }

  /**
   * Bytes kept for a client that has not moved for `patienceMs`: it does not read its replies, or leaves a request
   * unfinished.
   */
  stalledBytes(nowMs: number, patienceMs: number): number {
    if (this.#closed) return 0
    if (this.#blockedSinceMs >= 0) return nowMs - this.#blockedSinceMs > patienceMs ? this.#queuedBytes : 0
    if (this.#paused || !this.#frames.midFrame) return 0
    const stalled =
      nowMs - this.#activeMs > patienceMs || nowMs - this.#frameBeganMs > patienceMs * trickleFactor
    return stalled ? this.#frames.bufferedBytes : 0
  }

  fail(message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#closed) return
    this.#options.stats.protocolErrors++
    const { clientHost, listenerName } = this
    this.#options.log.warn(message, { client: clientHost, listener: listenerName, ...fields })
    this.destroy()
  }

  settled(exchange: Exchange): void {
    this.#inFlight--
    this.#options.stats.requestsInFlight--
    this.#held.give(exchange.requestBytes + 4)
    if (this.#closed) {
      if (this.#inFlight === 0) this.#held.close()
      return
    }
    if (this.#line[0] === exchange) this.#sendReplies()
    else if (exchange.reply !== null) this.#hold(exchange.reply.length)
    this.#pump()
    this.#endIfDrained()
  }

  #received(chunk: Buffer): void {
    if (this.#closed || this.#draining) return
    this.#activeMs = this.#options.clock.monotonicMs()
    this.#options.stats.bytesIn += chunk.length
    this.#held.take(chunk.length)
    this.#frames.append(chunk)
    if (this.#isTooMuch()) {
      this.fail('Closing a connection because requests take up twice the memory that is meant for them', {
        heldBytes: this.#options.budget.heldBytes,
      })
      return
    }
    this.#pump()
  }

  /** Whether all connections together hold far too much, and this one more than most. */
  #isTooMuch(): boolean {
    const { budget, stats } = this.#options
    if (budget.heldBytes <= 2 * this.#limits.maxTotalBytes) return false
    return this.#held.heldBytes * Math.max(stats.connections, 1) >= budget.heldBytes
  }

  /** Whether a request that is here may start. One alone always may, or bytes held could wait for each other. */
  #mayStart(): boolean {
    if (this.#closed || this.#draining || this.#blockedSinceMs >= 0) return false
    if (this.#inFlight === 0) return true
    return this.#line.length < this.#limits.maxInFlightPerConnection && !this.#held.pressed
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#mayStart()) {
        const frame = this.#frames.next()
        if (frame === null) break
        this.#start(frame)
      }
    } catch (error) {
      this.fail('Closing a connection that does not speak the Kafka protocol', { error: String(error) })
    } finally {
      this.#pumping = false
    }
    this.#steer()
  }

  #start(frame: Buffer): void {
    const exchange = new Exchange(this, frame)
    exchange.startedMs = this.#activeMs
    this.#line.push(exchange)
    this.#inFlight++
    this.#options.stats.requestsInFlight++
    this.#options.router.start(frame, exchange)
  }

  reuse(frame: Buffer): void {
    this.#options.frames.give(frame)
  }

  /** Pauses or resumes the transport. Under pressure a frame that has begun is still read: only then can it leave. */
  #steer(): void {
    if (this.#closed) return
    const { midFrame } = this.#frames
    if (!midFrame) this.#frameBeganMs = -1
    else if (this.#frameBeganMs < 0) this.#frameBeganMs = this.#activeMs
    const pause = !this.#mayStart() || (this.#held.pressed && !midFrame)
    if (pause === this.#paused) return
    this.#paused = pause
    if (pause) {
      this.#transport.pause()
      return
    }
    // While it was not read from, the client could not move.
    this.#activeMs = this.#options.clock.monotonicMs()
    if (midFrame) this.#frameBeganMs = this.#activeMs
    this.#transport.resume()
  }

  #sendReplies(): void {
    let count = 0
    let bytes = 0
    let waitedBytes = 0
    for (const exchange of this.#line) {
      if (!exchange.done) break
      count++
      if (exchange.reply === null) continue
      for (const buffer of exchange.reply.buffers) this.#unsent.push(buffer)
      bytes += exchange.reply.length
      if (count > 1) waitedBytes += exchange.reply.length
    }
    this.#line.splice(0, count)
    if (bytes === 0) return
    this.#waitingBytes -= waitedBytes
    this.#held.give(waitedBytes)
    this.#activeMs = this.#options.clock.monotonicMs()
    this.#options.stats.bytesOut += bytes
    this.#unsentBytes += bytes
    this.#flush()
  }

  /** Hands replies over until the transport has enough, and accounts for those that stay here. */
  #flush(): void {
    while (this.#unsentBytes > 0 && this.#blockedSinceMs < 0 && !this.#closed) {
      const portion = this.#takePortion()
      const flows = this.#transport.write(portion)
      if (flows || this.#closed) this.#portionBytes = 0
      else this.#blockedSinceMs = this.#options.clock.monotonicMs()
    }
    if (this.#closed) return
    const queuedBytes = this.#unsentBytes + this.#portionBytes
    const more = queuedBytes - this.#queuedBytes
    this.#queuedBytes = queuedBytes
    if (more > 0) this.#held.take(more)
    else if (more < 0) this.#held.give(-more)
  }

  #takePortion(): Buffer[] {
    const portion: Buffer[] = []
    let bytes = 0
    while (this.#unsent.length > 0 && bytes < portionBytes) {
      const next = this.#unsent[0]!
      const wanted = portionBytes - bytes
      if (next.length > wanted) this.#unsent[0] = next.subarray(wanted)
      else this.#unsent.shift()
      portion.push(next.length > wanted ? next.subarray(0, wanted) : next)
      bytes += Math.min(next.length, wanted)
    }
    this.#unsentBytes -= bytes
    this.#portionBytes = bytes
    return portion
  }

  /** Accounts for a reply that waits for those of earlier requests. */
  #hold(bytes: number): void {
    this.#waitingBytes += bytes
    this.#held.take(bytes)
  }

  #drained(): void {
    if (this.#closed) return
    this.#blockedSinceMs = -1
    this.#portionBytes = 0
    this.#activeMs = this.#options.clock.monotonicMs()
    this.#flush()
    this.#pump()
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    const done = this.#line.length === 0 && this.#unsentBytes === 0
    if (this.#draining && !this.#closed && done) this.#transport.end()
  }

  #ended(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    if (error !== undefined) {
      this.#options.log.debug('A client connection broke', { client: this.clientHost, error: error.message })
    }
    this.#line.length = 0
    this.#unsent.length = 0
    this.#held.give(this.#frames.bufferedBytes + this.#queuedBytes + this.#waitingBytes)
    if (this.#inFlight === 0) this.#held.close()
    this.#abort?.abort()
    this.#options.closed(this)
  }
}
