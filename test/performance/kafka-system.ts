import { startApacheKafka } from '../servers/apache-kafka.ts'
import type { SystemUnderTest } from './system-under-test.ts'

/** Starts Apache Kafka with the heap of its own start script, or says why it cannot and returns null. */
export async function startKafka(): Promise<SystemUnderTest | null> {
  // A deleted topic's files go at once: they shall not burden the disk while the other system is measured.
  const kafka = await startApacheKafka({ settings: { 'log.segment.delete.delay.ms': '0' } })
  if (kafka === null) return null
  return {
    name: `Kafka ${kafka.version}`,
    bootstrap: kafka.bootstrap,
    parts: [{ name: 'kafka', pid: kafka.pid }],
    stop: () => kafka.stop(),
  }
}
