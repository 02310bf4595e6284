import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type S3Server, startS3 } from '../servers/s3.ts'
import { PipelinedLoad } from './pipelined-load.ts'
import { FaultyProxy } from './proxy.ts'
import { S3Proxy, type StoreFault } from './s3-proxy.ts'
import { World } from './world.ts'

let world: World
let load: PipelinedLoad | null = null
beforeEach(async () => {
  world = await World.start()
})
afterEach(async () => {
  load?.kill()
  await world.stop()
})

async function expectWhole(whole: PipelinedLoad): Promise<void> {
  expect(await whole.finish()).toEqual([])
  expect(whole.failures).toEqual([])
  expect(whole.acknowledged).toBe(whole.sent)
}

it('five requests in flight: kills of the agent and lost answers of commits lose and double nothing', async (context) => {
  const proxy = await FaultyProxy.start(world.postgres.port, 'commit_object')
  const url = new URL(world.postgresUrl)
  url.port = String(proxy.port)
  const agent = await world.agent({ postgres: url.href })
  load = await PipelinedLoad.start(agent.bootstrap)
  if (load === null) return context.skip('Python is missing')
  await load.progress(500)
  for (let round = 0; round < 5; round++) {
    proxy.cutsLeft = 2
    await load.progress(300)
    await sleep(Math.random() * 300)
    await agent.kill()
    await agent.start()
    await load.progress(300)
  }
  await expectWhole(load)
  await proxy.stop()
})

it('five requests in flight: objects that cannot be stored, while later ones are, lose and double nothing', async (context) => {
  const s3: S3Server | null = await startS3()
  if (s3 === null) return context.skip('versitygw cannot be had')
  const proxy = await S3Proxy.start(s3.endpoint)
  const agent = await world.agent({
    store: `s3://${s3.bucket}/agents`,
    env: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    flags: [...['--s3-endpoint', proxy.endpoint, '--s3-region', s3.region], ...['--flush-interval-ms', '10']],
  })
  // The very first object, when no sequence is known yet, and then one in 25.
  const lost = new Set<string>()
  const seen = new Set<string>()
  proxy.fault = (method, path) => {
    if (method !== 'PUT') return null
    if (!seen.has(path) && seen.size % 25 === 0) lost.add(path)
    seen.add(path)
    return lost.has(path) ? 'slowDown' : null
  }
  load = await PipelinedLoad.start(agent.bootstrap)
  if (load === null) return context.skip('Python is missing')
  await load.progress(1_200, 60_000)
  proxy.fault = () => null
  expect(lost.size).toBeGreaterThan(1)
  await expectWhole(load)
  await proxy.stop()
  await s3.stop()
})

it('five requests in flight: a store that fails one in four requests loses and doubles nothing', async (context) => {
  const s3: S3Server | null = await startS3()
  if (s3 === null) return context.skip('versitygw cannot be had')
  const proxy = await S3Proxy.start(s3.endpoint)
  const agent = await world.agent({
    store: `s3://${s3.bucket}/agents`,
    env: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    flags: [...['--s3-endpoint', proxy.endpoint, '--s3-region', s3.region], ...['--flush-interval-ms', '10']],
  })
  // The very first batches fail too, when no sequence is known yet.
  proxy.fault = () => 'slowDown'
  load = await PipelinedLoad.start(agent.bootstrap)
  if (load === null) return context.skip('Python is missing')
  await sleep(4_000)
  const faults: StoreFault[] = ['slowDown', 'cutRequest', 'dropReply', 'late']
  let requests = 0
  proxy.fault = () => (++requests % 4 === 0 ? faults[(requests / 4) % faults.length]! : null)
  await load.progress(1_500, 40_000)
  proxy.fault = () => null
  await expectWhole(load)
  await proxy.stop()
  await s3.stop()
})
