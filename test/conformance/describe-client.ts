import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { skip } from '../servers/skips.ts'
import { ClientError, type KafkaClient, type SentRecord } from './client.ts'
import { expectSame } from './records-expectation.ts'
import { firstTimestamp, incompressibleRecord, numberedRecords, oddRecords } from './sample-records.ts'
import { TopicMaker } from './topic-maker.ts'

const topicAlreadyExists = 36
const invalidTopic = 17
const invalidPartitions = 37
const messageTooLarge = 10
const invalidConfig = 40

/** The suite that every client library passes; what a library cannot do is left out. */
export function describeClient(name: string, client: KafkaClient | null): void {
  describe.skipIf(client === null)(name, () => {
    const topics = new TopicMaker(inject('bootstrap'))
    afterAll(() => Promise.all([client?.close(), topics.close()]))
    if (client === null) return
    describeRecords(client, topics)
    describeGroups(client, topics)
    if (client.abilities.admin) describeAdmin(client, topics)
  })
}

function describeRecords(client: KafkaClient, topics: TopicMaker): void {
  const { abilities } = client
  const options = { timestamps: abilities.timestamps }
  const samples = (partitions: number): SentRecord[] =>
    abilities.bytes
      ? Array.from({ length: partitions }, (_, partition) => oddRecords(partition, abilities)).flat()
      : numberedRecords(20, partitions)

  it.each(abilities.codecs)('records compressed with %s come back as they were sent', async (codec) => {
    const topic = await topics.make(2)
    const records = samples(2)
    const placed = await client.produce({ topic, codec, acks: -1, idempotent: false, records })
    const read = await client.consume(topic, 2, records.length)
    expectSame(read, records, options)
    expectPlaced(placed, records)
  })

  it.each([0, 1, -1] as const)('records sent with acks=%i are stored', async (acks) => {
    const topic = await topics.make(1)
    const records = numberedRecords(50, 1)
    await client.produce({ topic, codec: 'none', acks, idempotent: false, records })
    expectSame(await client.consume(topic, 1, records.length), records, options)
  })

  it.skipIf(!abilities.idempotence)('an idempotent producer stores each record once, in order', async () => {
    const topic = await topics.make(3)
    const records = numberedRecords(900, 3)
    await client.produce({ topic, codec: 'none', acks: -1, idempotent: true, records })
    expectSame(await client.consume(topic, 3, records.length), records, options)
  })

  it('a record of 900 KiB comes back whole', async () => {
    const topic = await topics.make(1)
    const big = abilities.bytes
      ? incompressibleRecord(0, 900 * 1024)
      : { ...incompressibleRecord(0, 0), value: Buffer.from(randomBytes(450 * 1024).toString('hex')) }
    await client.produce({ topic, codec: 'none', acks: -1, idempotent: false, records: [big] })
    expectSame(await client.consume(topic, 1, 1), [big], options)
  })

  it('thousands of records in large batches come back in order', async () => {
    const topic = await topics.make(3)
    const records = numberedRecords(6_000, 3)
    await client.produce({ topic, codec: 'gzip', acks: -1, idempotent: abilities.idempotence, records })
    expectSame(await client.consume(topic, 3, records.length), records, options)
  })

  it('a record over max.message.bytes is refused and nothing of it is stored', async () => {
    const topic = await topics.make(1, { 'max.message.bytes': '10000' })
    const big = { ...incompressibleRecord(0, 0), value: Buffer.from(randomBytes(25_000).toString('hex')) }
    const order = { topic, codec: 'none', acks: -1, idempotent: false } as const
    await expectRefused(client.produce({ ...order, records: [big] }), messageTooLarge)
    const small = numberedRecords(1, 1)
    await client.produce({ ...order, records: small })
    expectSame(await client.consume(topic, 1, 1), small, options)
  })
}

function describeGroups(client: KafkaClient, topics: TopicMaker): void {
  it('two members of a group share the partitions, and a third one resumes where they committed', async () => {
    const partitions = 4
    const topic = await topics.make(partitions)
    const group = `group-${randomBytes(6).toString('hex')}`
    const send = (records: SentRecord[]) =>
      client.produce({ topic, codec: 'none', acks: -1, idempotent: false, records })
    const options = { timestamps: client.abilities.timestamps }
    const [first, more, last] = ['first', 'second', 'third'].map((name) =>
      numberedRecords(40, partitions, name),
    )
    await send(first!)
    const outcome = await client.group({ topic, group, partitions, first: 40, more: more! })
    expect(outcome.alone).toEqual([0, 1, 2, 3])
    expectSame(outcome.first, first!, options)
    expect(outcome.split.map((share) => share.length)).toEqual([2, 2])
    expect(outcome.split.flat().sort()).toEqual([0, 1, 2, 3])
    expectSame(outcome.second, more!, { ...options, firstOffset: () => 10 })
    expect(outcome.committed ?? [20, 20, 20, 20]).toEqual([20, 20, 20, 20])

    await send(last!)
    const resumed = await client.group({ topic, group, partitions, first: 40, more: [] })
    expectSame(resumed.first, last!, { ...options, firstOffset: () => 20 })
    expect(resumed.committed ?? [30, 30, 30, 30]).toEqual([30, 30, 30, 30])
  })
}

function describeAdmin(client: KafkaClient, topics: TopicMaker): void {
  it('a topic is made, listed, described, widened and deleted', async () => {
    const topic = topics.name()
    await client.createTopic(topic, 3, { 'retention.ms': '12345678' })
    await settled(() => client.partitionCount(topic), 3)
    expect(await client.listTopics()).toContain(topic)
    const configs = await client.topicConfigs(topic)
    expect(configs['retention.ms']).toBe('12345678')
    expect(configs['cleanup.policy']).toBe('delete')
    await client.createPartitions(topic, 5)
    await settled(() => client.partitionCount(topic), 5)
    await client.deleteTopic(topic)
    await settled(async () => (await client.listTopics()).includes(topic), false)
  })

  it('a topic of a name that is taken, a name that is illegal, and fewer partitions are refused', async () => {
    const topic = await topics.make(3)
    await expectRefused(client.createTopic(topic, 1, {}), topicAlreadyExists)
    await expectRefused(client.createTopic('no spaces/allowed', 1, {}), invalidTopic)
    await expectRefused(client.createPartitions(topic, 2), invalidPartitions)
    await expectRefused(client.createTopic(topics.name(), 1, { 'retention.ms': 'soon' }), invalidConfig)
    expect(await client.partitionCount(topic)).toBe(3)
  })

  it('a change of a configuration is seen and leaves the others', async (context) => {
    const { alterConfigsKey } = client.abilities
    if (!(await topics.serves(alterConfigsKey))) {
      skip(`${client.name} changes configurations by API key ${alterConfigsKey}, which is not served`)
      context.skip()
    }
    const topic = await topics.make(1, { 'retention.ms': '12345678' })
    const replaces = alterConfigsKey === 33
    const kept: Record<string, string> = replaces ? { 'retention.ms': '12345678' } : {}
    await client.alterTopicConfigs(topic, { ...kept, 'max.message.bytes': '54321' })
    await settled(async () => (await client.topicConfigs(topic))['max.message.bytes'], '54321')
    expect((await client.topicConfigs(topic))['retention.ms']).toBe('12345678')
  })

  it('offsets are found at both ends and by time', async () => {
    const topic = await topics.make(1)
    const records = numberedRecords(20, 1)
    await client.produce({ topic, codec: 'none', acks: -1, idempotent: false, records })
    expect(await client.offset(topic, 0, 'earliest')).toBe(0)
    expect(await client.offset(topic, 0, 'latest')).toBe(20)
    if (!client.abilities.timestamps) return
    expect(await client.offset(topic, 0, firstTimestamp - 1000)).toBe(0)
    expect(await client.offset(topic, 0, firstTimestamp + 7)).toBe(7)
    expect([-1, 20]).toContain(await client.offset(topic, 0, firstTimestamp + 1000))
  })
}

function expectPlaced(placed: readonly (number | null)[], records: readonly SentRecord[]): void {
  const next = new Map<number, number>()
  for (const [index, record] of records.entries()) {
    const offset = next.get(record.partition) ?? 0
    next.set(record.partition, offset + 1)
    // A client that answers once per batch knows the offset of some records only.
    expect([offset, null]).toContain(placed[index] ?? null)
  }
}

async function expectRefused(action: Promise<unknown>, code: number): Promise<void> {
  const error = await action.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ClientError)
  expect((error as ClientError).code, String(error)).toBe(code)
}

/** Metadata reaches a Kafka broker a moment after the answer. */
async function settled<Value>(ask: () => Promise<Value>, wanted: Value): Promise<void> {
  await expect.poll(() => ask().catch(String), { timeout: 10_000, interval: 100 }).toEqual(wanted)
}
