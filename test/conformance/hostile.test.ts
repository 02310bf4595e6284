import { buildBatch } from '@streamhouse/proto/kafka/codec/records'
import { produce } from '@streamhouse/proto/kafka/generated/00-produce'
import { metadata } from '@streamhouse/proto/kafka/generated/03-metadata'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { adminCases } from './hostile/admin-cases.ts'
import type { HostileCase, Scene } from './hostile/case.ts'
import { frameCases } from './hostile/frame-cases.ts'
import { groupCases } from './hostile/group-cases.ts'
import { produceCases } from './hostile/produce-cases.ts'
import { readCases } from './hostile/read-cases.ts'
import { TopicMaker } from './topic-maker.ts'
import { Wire } from './wire.ts'

const bootstrap = inject('bootstrap')
const topics = new TopicMaker(bootstrap)
const timestamp = 1_710_000_000_000n
let topic = ''
let topicId = ''
/** It was there before all the bad input, and must live on. */
let witness: Wire

beforeAll(async () => {
  witness = await Wire.connect(bootstrap)
  topic = await topics.make(2)
  const records = ['a', 'b', 'c'].map((value) => ({ timestamp, value: Buffer.from(value) }))
  const partitionData = [0, 1].map((index) => ({ index, records: buildBatch({ records }) }))
  await witness.call(produce, 9, { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] })
  topicId = (await witness.call(metadata, 12, { topics: [{ name: topic }] })).topics[0]!.topicId
})

afterAll(async () => {
  witness.close()
  await topics.close()
})

async function answered(wanted: HostileCase): Promise<unknown> {
  const scene: Scene = { wire: await Wire.connect(bootstrap), topics, topic, topicId }
  try {
    return await wanted.ask(scene)
  } finally {
    scene.wire.close()
  }
}

/** Another connection is served as if nothing had been. */
async function expectServing(): Promise<void> {
  const answer = await witness.call(metadata, 9, { topics: [{ name: topic }], allowAutoTopicCreation: false })
  expect(answer.topics[0]!.errorCode).toBe(0)
}

const suites = {
  frames: frameCases,
  Produce: produceCases,
  reads: readCases,
  admin: adminCases,
  groups: groupCases,
}

describe.each(Object.entries(suites))('bad input, %s', (_, cases) => {
  it.each(cases)('$name', async (wanted) => {
    const onKafka = inject('targetKind') === 'kafka' && wanted.kafka !== undefined
    if (onKafka && wanted.kafka === null) return
    expect(await answered(wanted)).toEqual(onKafka ? wanted.kafka : wanted.answer)
    await expectServing()
  })
})
