// Shows that a commit, a look-up by offset and one by time cost the same however long the partition is: see README.md in
// this folder.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Database } from '@streamhouse/platform/database'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { commitObject } from '@streamhouse/storage/metadata/commit-object'
import { migrate } from '@streamhouse/storage/metadata/migrate'
import { firstExtentSince } from '@streamhouse/storage/metadata/partition-bounds'
import { readLog } from '@streamhouse/storage/metadata/read-log'
import { createTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization } from '../servers/metadata.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { shown, table } from './comparison-tables.ts'
import { median, percentile } from './statistics.ts'

const recordsPerExtent = 10
const extentBytes = 10_240
const firstTimestamp = 1_700_000_000_000n
const totalBytes = 1_048_576
const partition = 0

/** A topic with one long partition, in a database of its own so that its tables hold nothing else. */
interface LongTopic {
  readonly database: Database
  readonly organizationId: string
  readonly topicId: string
  readonly extents: number
}

const { values: options } = parseArgs({
  options: {
    extents: { type: 'string', default: '1000,1000000' },
    samples: { type: 'string', default: '2000' },
  },
})
const sizes = options.extents.split(',').map(Number)
const samples = Number(options.samples)

async function longTopic(server: PostgresServer, extents: number): Promise<LongTopic> {
  const url = await server.createDatabase()
  const owner = new PostgresDatabase({ url, poolMax: 1, statementTimeoutMs: 600_000 })
  await migrate(owner)
  const organizationId = await newOrganization(owner)
  const topicId = randomUUID()
  await createTopic(
    owner,
    organizationId,
    { topicId, name: 'long', partitionCount: 1, config: {} },
    'performance',
  )
  await owner.query({
    text: `with object as (
             insert into objects (organization_id, id, key, size_bytes, live_extents, outcomes, base_offsets)
             select $1, gen_random_uuid(), 'org/wal/' || n, $4, 1, '{0}', array[n * $5::bigint]
               from generate_series(0, $3::bigint - 1) as n
             returning id, base_offsets[1] as base)
           insert into extents (organization_id, topic_id, partition, base_offset, last_offset, object_id, stored_start,
                                stored_length, encoding, slice_start, slice_length, max_timestamp, running_max_timestamp)
           select $1, $2, 0, base, base + $5 - 1, id, 0, $4, 0, 0, $4, $6 + base, $6 + base from object order by base`,
    values: [organizationId, topicId, extents, extentBytes, recordsPerExtent, firstTimestamp],
  })
  await owner.query({
    text: `update partitions set high_watermark = $2::bigint, last_stable = $2, max_timestamp = $3, max_timestamp_at = $2 - $4::bigint
            where organization_id = $1`,
    values: [
      organizationId,
      extents * recordsPerExtent,
      firstTimestamp + BigInt(extents * recordsPerExtent),
      recordsPerExtent,
    ],
  })
  await owner.query({ text: 'vacuum analyze', values: [] })
  await owner.close()
  const database = new PostgresDatabase({ url, poolMax: 1, role: 'streamhouse_app' })
  return { database, organizationId, topicId, extents }
}

type Operation = (topic: LongTopic, sample: number) => Promise<unknown>

const operations: Readonly<Record<string, Operation>> = {
  commit_object: commitOne,
  'read_log at the end': (topic) => read(topic, topic.extents * recordsPerExtent - 1),
  'read_log in the middle': (topic, sample) => read(topic, offsetOf(topic, sample)),
  first_extent_since: (topic, sample) =>
    firstExtentSince(
      topic.database,
      { organizationId: topic.organizationId, topicId: topic.topicId, partition },
      firstTimestamp + BigInt(offsetOf(topic, sample)),
    ),
}

function commitOne(topic: LongTopic): Promise<unknown> {
  const objectId = randomUUID()
  const batch = {
    bytes: Buffer.alloc(extentBytes),
    compressed: false,
    recordCount: recordsPerExtent,
    maxTimestamp: firstTimestamp,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
  }
  return commitObject(topic.database, {
    organizationId: topic.organizationId,
    objectId,
    objectKey: `org/wal/${objectId}`,
    sizeBytes: extentBytes,
    partitions: [{ topicId: topic.topicId, partition, batches: [batch] }],
    runs: [{ slot: 0, firstBatch: 0, batchCount: 1, start: 0, storedBytes: extentBytes, encoding: 0 }],
  })
}

function read(topic: LongTopic, offset: number): Promise<unknown> {
  const position = { topicId: topic.topicId, partition, offset: BigInt(offset), maxBytes: totalBytes }
  return readLog(topic.database, topic.organizationId, [position], totalBytes)
}

/** Far apart from one sample to the next, and never so near the end that a read finds less than its budget. */
function offsetOf(topic: LongTopic, sample: number): number {
  const extent = Math.floor((topic.extents * 0.8 * ((sample * 7919) % samples)) / samples)
  return extent * recordsPerExtent
}

/** Milliseconds by operation and topic; the topics take turns call by call. */
async function measure(topics: readonly LongTopic[]): Promise<Map<string, Map<LongTopic, number[]>>> {
  const measured = new Map(
    Object.keys(operations).map((name) => [name, new Map(topics.map((topic) => [topic, [] as number[]]))]),
  )
  const warmUp = Math.ceil(samples / 10)
  for (let sample = -warmUp; sample < samples; sample++) {
    for (const [name, operation] of Object.entries(operations)) {
      for (const topic of sample % 2 === 0 ? topics : topics.toReversed()) {
        const start = performance.now()
        await operation(topic, Math.abs(sample))
        if (sample >= 0)
          measured
            .get(name)!
            .get(topic)!
            .push(performance.now() - start)
      }
    }
  }
  return measured
}

function print(
  topics: readonly LongTopic[],
  measured: ReadonlyMap<string, ReadonlyMap<LongTopic, readonly number[]>>,
): void {
  const figures = { p50: median, p99: (values: readonly number[]) => percentile(values, 0.99) }
  const rows = [...measured].flatMap(([operation, byTopic]) =>
    Object.entries(figures).map(([name, figure]) => {
      const values = topics.map((topic) => figure(byTopic.get(topic)!))
      return [`${operation}, ${name} ms`, ...values.map(shown), shown(values.at(-1)! / values[0]!)]
    }),
  )
  console.log(`${samples} calls each, taking turns; every commit adds an extent`)
  console.log(table(['', ...topics.map((topic) => `${topic.extents} extents`), 'ratio'], rows))
}

// Without waiting for the disk, whose time would hide a difference.
const server = await startPostgres({ settings: ['autovacuum=off', 'shared_buffers=512MB'] })
const topics: LongTopic[] = []
try {
  for (const size of sizes) topics.push(await longTopic(server, size))
  print(topics, await measure(topics))
} finally {
  for (const topic of topics) await topic.database.close()
  await server.stop()
}
