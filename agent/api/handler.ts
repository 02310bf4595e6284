import type { ApiCodec } from '@streamhouse/proto/kafka/codec/api-codec'
import type { Tenant } from '../auth/tenant.ts'

/** What a handler may know of the request besides its content. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** Address of the client, as DescribeGroups shows it. */
  readonly clientHost: string
  readonly tenant: Tenant
  /** Who asks, for the audit: `User:ANONYMOUS` without authentication. */
  readonly principal: string
  /** Name of the listener that the client came through: decides which address it is told. */
  readonly listenerName: string
  /** Aborted when the connection is gone: nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /**
   * Runs `enter` after the `enter`s of all earlier requests of this connection: the one point of a Produce request
   * whose order counts. It runs at once, before `inOrder` returns, when nothing is ahead of it.
   */
  inOrder<T>(enter: () => T | Promise<T>): Promise<T>
  /** Nobody reads the request's bytes any more: they may be overwritten by another request's. */
  releaseFrame(): void
}

/**
 * Serves one API key. Handlers translate between the wire and the domain folders, and choose Kafka's error codes; what
 * happens is decided elsewhere.
 */
export interface Handler<Request, ResponseInput> {
  readonly codec: ApiCodec<Request, unknown, never, ResponseInput>
  /** Versions served, within the codec's; ApiVersions is built from these. */
  readonly minVersion: number
  readonly maxVersion: number
  /** Answers, or gives null when the protocol wants no answer (Produce with acks=0). */
  handle(request: Request, context: RequestContext): Promise<ResponseInput | null>
  /**
   * The answer when `handle` threw: every part of the request fails with this code (Kafka's getErrorResponse). Null when
   * no answer of this version can say so: the connection is closed instead, and the client tries again.
   */
  failure(request: Request, errorCode: number, context: RequestContext): ResponseInput | null
}

// biome-ignore lint/suspicious/noExplicitAny: a table of handlers holds every pair of message types
export type AnyHandler = Handler<any, any>
