import { startApacheKafka } from '../servers/apache-kafka.ts'
import { skip } from '../servers/skips.ts'
import { startStreamHouse } from '../servers/streamhouse.ts'

/** What the suites run against. */
export interface Target {
  /** `host:port`, without authentication or encryption. */
  readonly bootstrap: string
  readonly kind: 'streamhouse' | 'kafka'
  /** Null when it was running before us. */
  readonly pid: number | null
  stop(): Promise<void>
}

/**
 * Starts what is named: `streamhouse`, or `kafka` for Apache Kafka, which proves the suites themselves. An address
 * after a colon (`kafka:127.0.0.1:9092`) takes a running one. Null, with the reason told, when it cannot be had.
 */
export async function startTarget(name: string): Promise<Target | null> {
  const [kind, bootstrap] = split(name)
  if (kind !== 'streamhouse' && kind !== 'kafka') {
    throw new Error(
      `STREAMHOUSE_CONFORMANCE_TARGET is "${name}"; it is streamhouse or kafka, or one of them with :host:port`,
    )
  }
  if (bootstrap !== null) return { kind, bootstrap, pid: null, stop: async () => {} }
  if (kind === 'streamhouse') return { kind, ...(await startStreamHouse()) }
  const kafka = await startApacheKafka({ heapMib: 512 })
  if (kafka === null) skip('the conformance suites, for want of Apache Kafka')
  return kafka === null
    ? null
    : { kind, bootstrap: kafka.bootstrap, pid: kafka.pid, stop: () => kafka.stop() }
}

function split(name: string): [kind: string, bootstrap: string | null] {
  const colon = name.indexOf(':')
  return colon < 0 ? [name, null] : [name.slice(0, colon), name.slice(colon + 1)]
}
