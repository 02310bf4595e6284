import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { type DemoEvent, loadEarthquakes, loadFlights } from './datasets.ts'

export interface DemonstrationOptions {
  /** `host:port` of the agent. */
  readonly bootstrap: string
  /** Told what is going on, a line at a time. */
  readonly say: (line: string) => void
}

/** What happened with one topic. */
export interface TopicReport {
  readonly topic: string
  readonly produced: number
  readonly consumed: number
  readonly bytes: number
  readonly produceSeconds: number
  readonly consumeSeconds: number
}

const datasets = { flights: loadFlights, earthquakes: loadEarthquakes } as const

/** The Topics that the demonstration writes to. */
export const demonstrationTopics = Object.keys(datasets) as readonly (keyof typeof datasets)[]

const consumeTimeoutMs = 60_000
const eventsPerSend = 500

/** A stock Kafka client writes public data into the quickstart's topics and a consumer group reads it back. */
export async function demonstrate(options: DemonstrationOptions): Promise<TopicReport[]> {
  const kafka = new Kafka({ clientId: 'quickstart', brokers: [options.bootstrap], logLevel: logLevel.ERROR })
  const reports: TopicReport[] = []
  for (const topic of demonstrationTopics) {
    const report = await throughTopic(kafka, topic, await datasets[topic]())
    options.say(
      `  ${topic.padEnd(12)} ${count(report.produced)} events in (${rate(report, report.produceSeconds)}), ` +
        `${count(report.consumed)} back through a consumer group (${rate(report, report.consumeSeconds)})`,
    )
    reports.push(report)
  }
  return reports
}

async function throughTopic(kafka: Kafka, topic: string, events: readonly DemoEvent[]): Promise<TopicReport> {
  const run = `${topic}-${process.pid}-${Date.now()}`
  const ends = await endOffsets(kafka, topic)
  const produceStart = performance.now()
  await produceAll(kafka, topic, run, events)
  const produceSeconds = (performance.now() - produceStart) / 1_000
  const consumeStart = performance.now()
  const consumed = await consumeAll(kafka, topic, run, events.length, ends)
  const consumeSeconds = (performance.now() - consumeStart) / 1_000
  const bytes = events.reduce((sum, event) => sum + event.key.length + Buffer.byteLength(event.value), 0)
  return { topic, produced: events.length, consumed, bytes, produceSeconds, consumeSeconds }
}

/** Where the topic ends now: an earlier start may have left events there. */
async function endOffsets(kafka: Kafka, topic: string): Promise<Map<number, string>> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    return new Map(offsets.map(({ partition, high }) => [partition, high]))
  } finally {
    await admin.disconnect()
  }
}

async function produceAll(
  kafka: Kafka,
  topic: string,
  run: string,
  events: readonly DemoEvent[],
): Promise<void> {
  const producer = kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  try {
    const sends: Promise<unknown>[] = []
    for (let from = 0; from < events.length; from += eventsPerSend) {
      const messages = events.slice(from, from + eventsPerSend).map(({ key, value, timestampMs }) => ({
        key,
        value,
        timestamp: String(timestampMs),
        headers: { run },
      }))
      sends.push(producer.send({ topic, messages }))
    }
    await Promise.all(sends)
  } finally {
    await producer.disconnect()
  }
}

/** Reads until every event of this run has come; those of earlier runs are not counted. */
async function consumeAll(
  kafka: Kafka,
  topic: string,
  run: string,
  expected: number,
  from: ReadonlyMap<number, string>,
): Promise<number> {
  const consumer = kafka.consumer({
    groupId: `quickstart-${run}`,
    sessionTimeout: 10_000,
    maxWaitTimeInMs: 500,
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic })
    let consumed = 0
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(
              `Of ${expected} events in '${topic}', ${consumed} came back within ${consumeTimeoutMs} ms`,
            ),
          ),
        consumeTimeoutMs,
      )
      const finish = () => {
        clearTimeout(timer)
        resolve()
      }
      consumer
        .run({
          eachBatch: async ({ batch }) => {
            for (const { headers } of batch.messages) if (String(headers?.run) === run) consumed++
            if (consumed >= expected) finish()
          },
        })
        .catch(reject)
      for (const [partition, offset] of from) consumer.seek({ topic, partition, offset })
    })
    return consumed
  } finally {
    await consumer.disconnect()
  }
}

function count(events: number): string {
  return events.toLocaleString('en-US')
}

function rate(report: TopicReport, seconds: number): string {
  const perSecond = Math.round(report.produced / seconds)
  return `${count(perSecond)}/s, ${(report.bytes / seconds / 1e6).toFixed(1)} MB/s`
}
