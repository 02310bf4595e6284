import type { Encoded } from '@streamhouse/proto/kafka/codec/writer'
import { nobody, type Tenant } from '../auth/tenant.ts'
import type { GateTicket, OrderGate } from './order-gate.ts'

/** What an exchange needs of its connection. */
export interface ExchangeOwner {
  readonly clientHost: string
  readonly principal: string
  readonly listenerName: string
  /** The tenant that the connection's listener or principal names. */
  readonly tenantId: string
  readonly signal: AbortSignal
  readonly gate: OrderGate
  /** The exchange has its reply, or will have none. */
  settled(exchange: Exchange): void
  /** The frame may be overwritten. */
  reuse(frame: Buffer): void
  /** The client broke the protocol: nothing more is read from it. */
  fail(message: string, fields: Readonly<Record<string, unknown>>): void
}

/** One request and its reply; it is the handler's RequestContext too, so that a request costs one object. */
export class Exchange {
  apiKey = -1
  apiVersion = 0
  correlationId = 0
  clientId: string | null = null
  tenant: Tenant = nobody
  startedMs = 0
  /** Length of the request's frame. */
  readonly requestBytes: number
  #frame: Buffer | null
  /** The reply once there is one; null for a request that wants none. */
  reply: Encoded | null = null
  done = false
  readonly #owner: ExchangeOwner
  #ticket: GateTicket | null = null

  constructor(owner: ExchangeOwner, frame: Buffer) {
    this.#owner = owner
    this.#frame = frame
    this.requestBytes = frame.length
  }

  get clientHost(): string {
    return this.#owner.clientHost
  }

  get principal(): string {
    return this.#owner.principal
  }

  get listenerName(): string {
    return this.#owner.listenerName
  }

  get tenantId(): string {
    return this.#owner.tenantId
  }

  get signal(): AbortSignal {
    return this.#owner.signal
  }

  /** Takes a place in the connection's order; called when the request is decoded, before the next one is. */
  lineUp(): void {
    this.#ticket = this.#owner.gate.lineUp()
  }

  inOrder<T>(enter: () => T | Promise<T>): Promise<T> {
    if (this.#ticket === null) return new Promise((resolve) => resolve(enter()))
    return this.#owner.gate.enter(this.#ticket, enter)
  }

  releaseFrame(): void {
    if (this.#frame !== null) this.#owner.reuse(this.#frame)
    this.#frame = null
  }

  /** Ends the exchange; the reply leaves once those of all earlier requests have left. */
  answer(reply: Encoded | null): void {
    if (this.done) return
    this.done = true
    this.reply = reply
    if (this.#ticket !== null) this.#owner.gate.leave(this.#ticket)
    this.#owner.settled(this)
  }

  /** Closes the connection with one line in the log that says why. */
  refuse(message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.done) return
    this.#owner.fail(message, fields)
    this.answer(null)
  }
}
