import { randomUUID } from 'node:crypto'
import type { Database } from '@streamhouse/platform/database'
import { splitBatches, verifyCrc } from '@streamhouse/proto/kafka/codec/record-batch'
import { decodeRecords } from '@streamhouse/proto/kafka/codec/records'
import { createTopic, deleteTopic } from '@streamhouse/storage/metadata/topics'
import { newOrganization, startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { appendBatch } from '../testing/append-batch.ts'
import { type LogAgent, type LogAgentOptions, logAgent, MemoryStore } from '../testing/log-agent.ts'
import type { ReadRequest, ReadResult } from './log-reader.ts'
import type { FetchLimits } from './long-poll.ts'

let metadata: TestMetadata
let organizationId: string
let topicId: string
let store: MemoryStore
let queries: number
const agents: LogAgent[] = []

beforeAll(async () => {
  metadata = await startMetadata()
})
afterAll(() => metadata.stop())

beforeEach(async () => {
  organizationId = await newOrganization(metadata.database)
  topicId = randomUUID()
  store = new MemoryStore()
  queries = 0
  await createTopic(
    metadata.database,
    organizationId,
    { topicId, name: 'orders', partitionCount: 3, config: {} },
    'test',
  )
})
afterEach(() => {
  for (const agent of agents.splice(0)) agent.poller.stop()
})

function agentOf(options: LogAgentOptions = {}): LogAgent {
  const database: Database = {
    query(statement) {
      queries++
      return metadata.database.query(statement)
    },
    transaction: (work) => metadata.database.transaction(work),
    async close() {},
  }
  const agent = logAgent(database, store, options)
  agents.push(agent)
  return agent
}

const write = (agent: LogAgent, partition: number, ...values: string[]) =>
  agent.writer.append(organizationId, [appendBatch(topicId, partition, values)])
const from = (partition: number, offset = 0n, maxBytes = 1_000_000): ReadRequest => ({
  topicId,
  partition,
  offset,
  maxBytes,
})
const now: FetchLimits = {
  minBytes: 1,
  maxBytes: 10_000_000,
  maxWaitMs: 0,
  signal: new AbortController().signal,
}
const poll = (agent: LogAgent, requests: ReadRequest[], limits: Partial<FetchLimits> = {}) =>
  agent.longPoll.fetch(organizationId, requests, { ...now, ...limits })

function valuesIn(result: ReadResult | undefined): string[] {
  if (result?.kind !== 'records') throw new Error(`It is ${result?.kind}`)
  const batches = result.pieces.flatMap((piece) => splitBatches(piece).batches)
  expect(batches.every(({ bytes }) => verifyCrc(bytes))).toBe(true)
  return batches.flatMap(({ bytes }) => decodeRecords(bytes).map(({ value }) => String(value)))
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const startedMs = performance.now()
  const value = await work
  return { value, ms: performance.now() - startedMs }
}

describe('reading', () => {
  test('gives from memory and from the store the same records', async () => {
    const near = agentOf()
    const far = agentOf()
    for (let object = 0; object < 5; object++) await write(near, 0, `a${object}`, `b${object}`)
    for (const offset of [0n, 1n, 4n, 9n]) {
      const fromMemory = valuesIn((await poll(near, [from(0, offset)]))[0])
      expect(valuesIn((await poll(far, [from(0, offset)]))[0])).toEqual(fromMemory)
      expect(fromMemory.at(-1)).toBe('b4')
    }
    expect(store.gets).toBeGreaterThan(0)
  })

  test('answers offsets outside the log, unknown partitions and deleted topics at once', async () => {
    const agent = agentOf()
    await write(agent, 0, 'a')
    const wait = { maxWaitMs: 20_000 }
    for (const offset of [-1n, -(2n ** 63n), 2n, 2n ** 63n - 1n]) {
      const [result] = await poll(agent, [from(0, offset)], wait)
      expect(result).toEqual({ kind: 'outOfRange', logStart: 0n, highWatermark: 1n, lastStable: 1n })
    }
    expect((await poll(agent, [from(77)], wait))[0]).toEqual({ kind: 'unknownPartition' })
    await deleteTopic(metadata.database, organizationId, topicId, 0, 'test')
    expect((await poll(agent, [from(1)], wait))[0]).toEqual({ kind: 'unknownPartition' })
  })

  test("shows nothing of another tenant's partition", async () => {
    const agent = agentOf({ tailBytes: 0 })
    await write(agent, 0, 'secret')
    const other = await newOrganization(metadata.database)
    const results = await agent.longPoll.fetch(other, [from(0)], now)
    expect(results).toEqual([{ kind: 'unknownPartition' }])
  })

  test('gives a batch larger than every limit to the first partition that has one, and only there', async () => {
    for (const tailBytes of [1_000_000, 0]) {
      const agent = agentOf({ tailBytes })
      const [a] = await write(agent, 0, 'a'.repeat(5_000))
      const [b] = await write(agent, 1, 'b'.repeat(5_000))
      const requests = [from(2), from(0, a!.baseOffset, 100), from(1, b!.baseOffset, 100)]
      const results = await poll(agent, requests, { maxBytes: 100 })
      expect(results.map((result) => valuesIn(result).length)).toEqual([0, 1, 0])
    }
  })

  test('keeps the others readable when the store is away, or an object damaged', async () => {
    const writer = agentOf()
    await write(writer, 0, 'a')
    await write(writer, 1, 'b')
    const object = [...store.objects.values()][0]!
    object[40]! ^= 1
    const reader = agentOf()
    const [damaged, sound] = await poll(reader, [from(0), from(1)], { maxWaitMs: 20_000 })
    expect(damaged).toMatchObject({ kind: 'unreadable', error: { code: 'CorruptObject' }, highWatermark: 1n })
    expect(valuesIn(sound)).toEqual(['b'])
    expect(reader.log.records).toMatchObject([{ level: 'error', fields: { partition: 0, offset: 0n } }])
    store.away = true
    const [away] = await poll(agentOf(), [from(1)], { maxWaitMs: 20_000 })
    expect(away).toMatchObject({ kind: 'unreadable', error: { code: 'Unavailable' } })
  })

  test('gives what lies before a damaged object', async () => {
    const writer = agentOf()
    for (const value of ['a', 'b', 'c']) await write(writer, 0, value)
    const object = [...store.objects.values()][1]!
    object[40]! ^= 1
    expect(valuesIn((await poll(agentOf(), [from(0)]))[0])).toEqual(['a'])
  })
})

describe('a partition written elsewhere', () => {
  test('is not starved by one whose records fill every answer from memory', async () => {
    const here = agentOf()
    const elsewhere = agentOf()
    for (let batch = 0; batch < 20; batch++) await write(here, 0, 'h'.repeat(1_000))
    await write(elsewhere, 1, 'quiet')
    const limits = { maxBytes: 5_000 }
    const [quiet, busy] = await poll(here, [from(1), from(0)], limits)
    expect(valuesIn(quiet)).toEqual(['quiet'])
    expect(valuesIn(busy).length).toBeGreaterThan(1)
    const rotated = await poll(here, [from(0), from(1)], limits)
    expect(valuesIn(rotated[0]).length).toBeGreaterThan(3)
    for (const results of [[quiet, busy], rotated]) {
      const bytes = results.reduce((sum, result) => sum + (result?.kind === 'records' ? result.bytes : 0), 0)
      expect(bytes).toBeLessThanOrEqual(5_000)
    }
  })

  test('with a batch larger than the answer has its turn when it is asked for first', async () => {
    const here = agentOf()
    const elsewhere = agentOf()
    await write(here, 0, 'small')
    await write(elsewhere, 1, 'l'.repeat(9_000))
    const limits = { maxBytes: 1_000 }
    const [large, small] = await poll(here, [from(1), from(0)], limits)
    expect([valuesIn(large).length, valuesIn(small).length]).toEqual([1, 0])
    const [first, second] = await poll(here, [from(0), from(1)], limits)
    expect([valuesIn(first).length, valuesIn(second).length]).toEqual([1, 0])
  })
})

describe('waiting', () => {
  test('ends when the time is up', async () => {
    const { value, ms } = await timed(poll(agentOf(), [from(0)], { maxWaitMs: 60 }))
    expect(ms).toBeGreaterThan(55)
    expect(value[0]).toMatchObject({ kind: 'records', bytes: 0, highWatermark: 0n })
  })

  test.each([
    ['memory', 1_000_000],
    ['no memory', 0],
  ])('ends with a commit made here, with %s for records', async (_name, tailBytes) => {
    const agent = agentOf({ tailBytes })
    const waiting = timed(poll(agent, [from(0), from(1)], { maxWaitMs: 20_000 }))
    await agent.timers.sleep(30)
    await write(agent, 1, 'a')
    const { value, ms } = await waiting
    expect(valuesIn(value[1])).toEqual(['a'])
    expect(ms).toBeLessThan(5_000)
    expect(agent.arrivals.idle).toBe(true)
  })

  test('ends with a commit made elsewhere, when the poller sees it', async () => {
    const agent = agentOf()
    const waiting = timed(poll(agent, [from(0)], { maxWaitMs: 20_000 }))
    agent.poller.start()
    await agent.timers.sleep(30)
    await write(agentOf(), 0, 'a')
    const { value, ms } = await waiting
    expect(valuesIn(value[0])).toEqual(['a'])
    expect(ms).toBeLessThan(5_000)
  })

  test('goes on until there are enough bytes', async () => {
    const agent = agentOf()
    const waiting = timed(poll(agent, [from(0)], { maxWaitMs: 20_000, minBytes: 3_000 }))
    for (let batch = 0; batch < 4; batch++) {
      await agent.timers.sleep(10)
      await write(agent, 0, 'x'.repeat(1_000))
    }
    const { value } = await waiting
    expect(valuesIn(value[0])).toHaveLength(3)
  })

  test('does not wait for more bytes than an answer may have, nor for no partitions', async () => {
    const agent = agentOf()
    await write(agent, 0, 'x'.repeat(1_000))
    const limits = { maxWaitMs: 20_000, minBytes: 2 ** 31 - 1, maxBytes: 1_000 }
    const { value, ms } = await timed(poll(agent, [from(0)], limits))
    expect(valuesIn(value[0])).toHaveLength(1)
    expect((await timed(poll(agent, [], limits))).ms + ms).toBeLessThan(5_000)
  })

  test('ends when the client has gone', async () => {
    const agent = agentOf()
    const gone = new AbortController()
    const waiting = timed(poll(agent, [from(0)], { maxWaitMs: 20_000, signal: gone.signal }))
    setTimeout(() => gone.abort(), 20)
    expect((await waiting).ms).toBeLessThan(5_000)
    expect(agent.arrivals.idle).toBe(true)
    expect((await timed(poll(agent, [from(0)], { maxWaitMs: 20_000, signal: gone.signal }))).ms).toBeLessThan(
      5_000,
    )
  })

  test('misses no commit made while the metadata was being asked', async () => {
    const agent = agentOf()
    for (let round = 0; round < 30; round++) {
      const offset = BigInt(round)
      const waiting = timed(poll(agent, [from(0, offset)], { maxWaitMs: 20_000 }))
      // Without the poller nothing else would wake it; the pauses meet its look-up at all its stages.
      if (round % 3 > 0) await agent.timers.sleep((round % 10) / 2)
      await write(agent, 0, `${round}`)
      const { value, ms } = await waiting
      expect(valuesIn(value[0])).toEqual([`${round}`])
      expect(ms).toBeLessThan(5_000)
    }
  })

  test('for partitions at their end asks the metadata once, not again within a moment', async () => {
    const clock = { ms: 0, nowMs: () => clock.ms, monotonicMs: () => clock.ms }
    const agent = agentOf({ clock })
    const all = [from(0), from(1), from(2)]
    for (const [passedMs, asked] of [
      [0, 1],
      [24, 0],
      [1, 1],
    ] as const) {
      clock.ms += passedMs
      queries = 0
      await poll(agent, all)
      expect(queries).toBe(asked)
    }
  })
})
