import { afterAll, describe, expect, inject, it } from 'vitest'
import type { KafkaClient, ReadRecord, SentRecord } from './client.ts'
import { KafkaJsClient } from './clients/kafkajs.ts'
import { openKcat } from './clients/kcat.ts'
import { PlatformaticClient } from './clients/platformatic.ts'
import { openConfluentKafka, openFranzGo, openJava, openKafkaPython } from './clients/programs.ts'
import { expectSame } from './records-expectation.ts'
import { numberedRecords, oddRecords } from './sample-records.ts'
import { TopicMaker } from './topic-maker.ts'

const bootstrap = inject('bootstrap')
const topics = new TopicMaker(bootstrap)
const clients = [
  new KafkaJsClient(bootstrap),
  new PlatformaticClient(bootstrap),
  await openKafkaPython(bootstrap),
  await openConfluentKafka(bootstrap),
  await openFranzGo(bootstrap),
  await openJava(bootstrap),
  await openKcat(bootstrap),
].filter((client): client is KafkaClient => client !== null)

afterAll(() => Promise.all([...clients.map((client) => client.close()), topics.close()]))

describe.each(clients)('what $name produced', (writer) => {
  it('is read by every other client as it was sent, whatever the codec', async () => {
    const { codecs } = writer.abilities
    const topic = await topics.make(codecs.length)
    const sent: SentRecord[] = []
    for (const [partition, codec] of codecs.entries()) {
      const records = writer.abilities.bytes
        ? oddRecords(partition, writer.abilities)
        : numberedRecords(12, 1).map((record) => ({ ...record, partition }))
      await writer.produce({ topic, codec, acks: -1, idempotent: writer.abilities.idempotence, records })
      sent.push(...records)
    }
    const read = await writer.consume(topic, codecs.length, sent.length)
    expectSame(read, sent, { timestamps: writer.abilities.timestamps })
    for (const reader of clients) {
      if (reader === writer || codecs.some((codec) => !reader.abilities.codecs.includes(codec))) continue
      const seen = await reader.consume(topic, codecs.length, sent.length)
      expect(comparable(seen, reader), `${reader.name} reads what ${writer.name} wrote`).toEqual(
        comparable(read, reader),
      )
    }
  })
})

/** All that the reader can tell apart. */
function comparable(records: readonly ReadRecord[], reader: KafkaClient) {
  const sorted = records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
  return sorted.map((record) => ({
    place: `${record.partition}/${record.offset}`,
    timestamp: record.timestamp,
    key: record.key?.toString('latin1') ?? null,
    value: record.value?.toString('latin1') ?? null,
    headers: reader.abilities.bytes
      ? record.headers.map(([name, value]) => `${name}=${value?.toString('latin1')}`).sort()
      : record.headers.length,
  }))
}
