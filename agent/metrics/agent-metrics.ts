import { errorCodeName } from '@streamhouse/proto/kafka/errors'
import { API_FACTS_BY_KEY } from '@streamhouse/proto/kafka/generated/api-keys'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestMetrics } from '../api/router.ts'
import type { ServerStats } from '../server/connection.ts'

/** The server's counters, read when metrics are collected. */
export interface ServerView {
  readonly stats: Readonly<ServerStats>
  readonly heldBytes: number
  readonly maxHeldBytes: number
}

/** Upper bounds in seconds: from a request served out of memory to a long poll. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** The metrics of an agent. Other parts register theirs in the same registry. */
export class AgentMetrics implements RequestMetrics {
  readonly registry = new Registry()
  readonly #durations: Histogram<'api'>
  readonly #errors: Counter<'api' | 'error'>
  readonly #responseBytes: Counter<'api'>
  /** Children by API key: finding one by its label costs more than observing does. */
  readonly #children: {
    readonly duration: Histogram.Internal<'api'>
    readonly bytes: Counter.Internal
  }[] = []

  constructor() {
    const registers = [this.registry]
    this.#durations = new Histogram({
      name: 'streamhouse_kafka_request_duration_seconds',
      help: 'Time from the arrival of a request to its reply being ready',
      labelNames: ['api'],
      buckets: durationBuckets,
      registers,
    })
    this.#errors = new Counter({
      name: 'streamhouse_kafka_request_errors_total',
      help: 'Requests that failed as a whole, by the error code they were answered with',
      labelNames: ['api', 'error'],
      registers,
    })
    this.#responseBytes = new Counter({
      name: 'streamhouse_kafka_response_bytes_total',
      help: 'Bytes of replies',
      labelNames: ['api'],
      registers,
    })
  }

  observe(apiKey: number, durationMs: number, errorCode: number, bytes: number): void {
    const child = this.#child(apiKey)
    child.duration.observe(durationMs / 1_000)
    if (bytes > 0) child.bytes.inc(bytes)
    if (errorCode !== 0) this.#errors.inc({ api: apiName(apiKey), error: errorCodeName(errorCode) })
  }

  /** Adds the server's counters to what is collected. */
  watchServer(server: ServerView): void {
    const { stats } = server
    this.#counter('kafka_connections_accepted_total', 'Connections accepted', () => stats.accepted)
    this.#counter('kafka_connections_rejected_total', 'Connections refused by a limit', () => stats.rejected)
    this.#counter(
      'kafka_protocol_errors_total',
      'Connections closed for what their clients sent or left undone',
      () => stats.protocolErrors,
    )
    this.#counter('kafka_received_bytes_total', 'Bytes received from clients', () => stats.bytesIn)
    this.#counter('kafka_sent_bytes_total', 'Bytes sent to clients', () => stats.bytesOut)
    this.#gauge('kafka_connections', 'Open connections', () => stats.connections)
    this.#gauge('kafka_requests_in_flight', 'Requests being handled', () => stats.requestsInFlight)
    this.#gauge('kafka_held_bytes', 'Bytes of requests and unsent replies in memory', () => server.heldBytes)
    this.#gauge(
      'kafka_held_bytes_limit',
      'Bytes above which clients are held back',
      () => server.maxHeldBytes,
    )
  }

  #child(apiKey: number) {
    const known = this.#children[apiKey]
    if (known !== undefined) return known
    const api = apiName(apiKey)
    const child = {
      duration: this.#durations.labels(api),
      bytes: this.#responseBytes.labels(api),
    }
    this.#children[apiKey] = child
    return child
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name: `streamhouse_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `streamhouse_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}

/** Only keys with handlers are observed, so labels are few. */
function apiName(apiKey: number): string {
  return API_FACTS_BY_KEY.get(apiKey)?.name ?? String(apiKey)
}
