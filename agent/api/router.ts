import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { type Encoded, Writer } from '@streamhouse/proto/kafka/codec/writer'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { ProduceRequest } from '@streamhouse/proto/kafka/generated/00-produce'
import { ApiKey } from '@streamhouse/proto/kafka/generated/api-keys'
import { decodeRequestHeader, encodeResponseHeader } from '@streamhouse/proto/kafka/headers'
import type { TenantDirectory, TenantStanding } from '../auth/tenant-directory.ts'
import type { RequestRouter } from '../server/connection.ts'
import type { Exchange } from '../server/exchange.ts'
import { apiVersionsHandler, unsupportedApiVersions } from './18-api-versions.ts'
import { failureOf, refusalCode } from './errors.ts'
import type { AnyHandler } from './handler.ts'

/** Told of every answered request. */
export interface RequestMetrics {
  /**
   * @param durationMs from the arrival of the request's last byte to the reply being ready
   * @param errorCode what the whole request failed with, 0 when it was handled
   * @param bytes of the reply
   */
  observe(apiKey: number, durationMs: number, errorCode: number, bytes: number): void
}

export interface RouterOptions {
  /** One for each API key; ApiVersions is added to them. */
  readonly handlers: readonly AnyHandler[]
  readonly tenants: TenantDirectory
  readonly clock: Clock
  readonly log: Log
  readonly metrics: RequestMetrics
  /** Slower requests are logged, those that wait by design left out; 5,000 when absent. */
  readonly slowRequestMs?: number
}

const headerBytesMin = 8
const maxLoggedChars = 200
/** Their answer may wait for records or for other members. */
const waitingKeys: ReadonlySet<number> = new Set([ApiKey.Fetch, ApiKey.JoinGroup, ApiKey.SyncGroup])
/** A client asks these before it is anybody. */
const tenantlessKeys: ReadonlySet<number> = new Set([
  ApiKey.ApiVersions,
  ApiKey.SaslHandshake,
  ApiKey.SaslAuthenticate,
])

/** Takes frames apart, finds their handlers, and makes frames of the answers. */
export class Router implements RequestRouter {
  readonly #handlers: (AnyHandler | undefined)[] = []
  readonly #options: RouterOptions
  readonly #slowRequestMs: number

  constructor(options: RouterOptions) {
    this.#options = options
    this.#slowRequestMs = options.slowRequestMs ?? 5_000
    for (const handler of [...options.handlers, apiVersionsHandler(options.handlers)]) {
      const { key, name } = handler.codec
      if (this.#handlers[key] !== undefined) throw new Error(`API ${name} has two handlers`)
      this.#handlers[key] = handler
    }
  }

  start(frame: Buffer, exchange: Exchange): void {
    if (frame.length < headerBytesMin) {
      exchange.refuse('Closing a connection: a request is too short for its header', {
        bytes: frame.length,
      })
      return
    }
    const apiKey = frame.readInt16BE(0)
    const apiVersion = frame.readInt16BE(2)
    exchange.apiKey = apiKey
    exchange.apiVersion = apiVersion
    exchange.correlationId = frame.readInt32BE(4)
    const handler = apiKey >= 0 ? this.#handlers[apiKey] : undefined
    if (handler === undefined || apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
      this.#unsupported(handler, exchange)
      return
    }
    let request: unknown
    try {
      const reader = new Reader(frame)
      exchange.clientId = decodeRequestHeader(reader).clientId
      request = handler.codec.decodeRequest(reader, apiVersion)
    } catch (error) {
      this.#malformed(handler, exchange, error)
      return
    }
    if (apiKey === ApiKey.Produce) exchange.lineUp()
    this.#enter(handler, request, exchange)
  }

  #unsupported(handler: AnyHandler | undefined, exchange: Exchange): void {
    if (handler !== undefined && exchange.apiKey === ApiKey.ApiVersions) {
      exchange.apiVersion = 0
      this.#answer(handler, unsupportedApiVersions(handler), exchange, ErrorCode.UNSUPPORTED_VERSION)
      return
    }
    exchange.refuse('Closing a connection: it asks for an API or a version that is not served', {
      apiKey: exchange.apiKey,
      apiVersion: exchange.apiVersion,
      ...(handler !== undefined && { api: handler.codec.name, served: versionRange(handler) }),
    })
  }

  #malformed(handler: AnyHandler, exchange: Exchange, error: unknown): void {
    exchange.refuse('Closing a connection: a request cannot be decoded', {
      api: handler.codec.name,
      apiVersion: exchange.apiVersion,
      clientId: exchange.clientId?.slice(0, maxLoggedChars) ?? null,
      reason: error instanceof Error ? error.message : String(error),
    })
  }

  #enter(handler: AnyHandler, request: unknown, exchange: Exchange): void {
    if (tenantlessKeys.has(exchange.apiKey)) {
      this.#handle(handler, request, exchange)
      return
    }
    const { tenants } = this.#options
    const standing = tenants.cached(exchange.tenantId)
    if (standing !== undefined) {
      this.#serve(handler, request, exchange, standing)
      return
    }
    tenants.resolve(exchange.tenantId).then(
      (found) => this.#serve(handler, request, exchange, found),
      (error) => this.#failed(handler, request, exchange, error),
    )
  }

  #serve(handler: AnyHandler, request: unknown, exchange: Exchange, standing: TenantStanding): void {
    exchange.tenant = standing.tenant
    if (standing.refusal !== null) this.#fail(handler, request, exchange, refusalCode(exchange.apiKey))
    else this.#handle(handler, request, exchange)
  }

  #handle(handler: AnyHandler, request: unknown, exchange: Exchange): void {
    let answer: Promise<unknown>
    try {
      answer = handler.handle(request, exchange)
    } catch (error) {
      answer = Promise.reject(error)
    }
    answer.then(
      (response) => this.#answer(handler, response, exchange, ErrorCode.NONE),
      (error) => this.#failed(handler, request, exchange, error),
    )
  }

  #failed(handler: AnyHandler, request: unknown, exchange: Exchange, error: unknown): void {
    const { errorCode, expected } = failureOf(exchange.apiKey, error)
    const { log } = this.#options
    const fields = {
      api: handler.codec.name,
      apiVersion: exchange.apiVersion,
      tenant: exchange.tenantId,
      errorCode,
      error,
    }
    if (!expected) log.error('A request failed for a reason that should not occur', fields)
    else if (!(error instanceof Error && error.name === 'AbortError')) {
      log.warn('A request failed; its client is told to try again', fields)
    }
    this.#fail(handler, request, exchange, errorCode)
  }

  #fail(handler: AnyHandler, request: unknown, exchange: Exchange, errorCode: number): void {
    // A producer that wants no answer learns of a failure by losing its connection, as with Kafka.
    const unanswered = exchange.apiKey === ApiKey.Produce && (request as ProduceRequest).acks === 0
    let response: unknown = null
    try {
      if (!unanswered) response = handler.failure(request, errorCode, exchange)
    } catch (error) {
      this.#options.log.error('A failure could not be put into an answer', {
        api: handler.codec.name,
        error,
      })
    }
    if (response !== null) {
      this.#answer(handler, response, exchange, errorCode)
      return
    }
    this.#observe(exchange, errorCode, 0)
    exchange.refuse('Closing a connection: a request failed and no answer can say so', {
      api: handler.codec.name,
      apiVersion: exchange.apiVersion,
      errorCode,
    })
  }

  #answer(handler: AnyHandler, response: unknown, exchange: Exchange, errorCode: number): void {
    if (response === null) {
      this.#observe(exchange, errorCode, 0)
      exchange.answer(null)
      return
    }
    let reply: Encoded
    try {
      reply = encodeReply(handler, response, exchange)
    } catch (error) {
      this.#options.log.error('An answer could not be encoded', { api: handler.codec.name, error })
      exchange.refuse('Closing a connection: its answer could not be encoded', { api: handler.codec.name })
      return
    }
    this.#observe(exchange, errorCode, reply.length)
    exchange.answer(reply)
  }

  #observe(exchange: Exchange, errorCode: number, bytes: number): void {
    const { clock, metrics, log } = this.#options
    const durationMs = clock.monotonicMs() - exchange.startedMs
    metrics.observe(exchange.apiKey, durationMs, errorCode, bytes)
    if (durationMs < this.#slowRequestMs || waitingKeys.has(exchange.apiKey)) return
    log.warn('A request was slow', {
      api: this.#handlers[exchange.apiKey]?.codec.name,
      durationMs: Math.round(durationMs),
      clientId: exchange.clientId?.slice(0, maxLoggedChars) ?? null,
      tenant: exchange.tenantId,
    })
  }
}

function encodeReply(handler: AnyHandler, response: unknown, exchange: Exchange): Encoded {
  const writer = new Writer()
  writer.beginFrame()
  encodeResponseHeader(writer, exchange.apiKey, exchange.apiVersion, exchange.correlationId)
  handler.codec.encodeResponse(writer, response, exchange.apiVersion)
  return writer.finish()
}

function versionRange(handler: AnyHandler): string {
  return `${handler.minVersion} to ${handler.maxVersion}`
}
