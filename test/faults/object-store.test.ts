import { rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type S3Server, startS3 } from '../servers/s3.ts'
import { Load, readAll } from './load.ts'
import { S3Proxy, type StoreFault } from './s3-proxy.ts'
import { World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await World.start()
})
afterEach(() => world.stop())

describe('an object store that fails under load', () => {
  let s3: S3Server | null
  let proxy: S3Proxy
  let load: Load
  beforeEach(async (context) => {
    s3 = await startS3()
    if (s3 === null) return context.skip('versitygw cannot be had')
    proxy = await S3Proxy.start(s3.endpoint)
    const agent = await world.agent({
      store: `s3://${s3.bucket}/agents`,
      env: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
      // Without memory for records, every fetch goes to the store.
      flags: [
        ...['--s3-endpoint', proxy.endpoint, '--s3-region', s3.region],
        ...['--flush-interval-ms', '10', '--tail-bytes', '0', '--cache-bytes', '0'],
      ],
    })
    load = await Load.start([agent.bootstrap])
    await load.progress(100)
  })
  afterEach(async () => {
    await proxy?.stop()
    await s3?.stop()
  })

  it('loses and doubles nothing when one in four requests fails', async () => {
    const faults: StoreFault[] = ['slowDown', 'cutRequest', 'dropReply', 'cutReply', 'shortReply', 'late']
    let requests = 0
    proxy.fault = () => (++requests % 4 === 0 ? faults[(requests / 4) % faults.length]! : null)
    await load.progress(600, 40_000)
    await load.quiesce()
    const log = await readAll(load.kafka, load.topic, load.partitions)
    expect(load.ledger.violations(log)).toEqual([])
    expect(load.failures).toEqual([])
    expect([...proxy.faulted.keys()].sort()).toEqual(faults.toSorted())
  })

  it('answers with retriable errors while it is away, and goes on by itself when it is back', async () => {
    proxy.fault = () => 'slowDown'
    await sleep(12_000)
    const during = load.acknowledged
    await sleep(1_000)
    expect(load.acknowledged).toBe(during)
    proxy.fault = () => null
    await load.progress(100)
    expect(await load.finish()).toEqual([])
    expect(load.failures).toEqual([])
    expect(load.acknowledged).toBe(load.ledger.sent)
  })
})

describe('a folder store whose folder is taken away under load', () => {
  it('acknowledges nothing meanwhile, and goes on by itself when the folder is back', async () => {
    const agent = await world.agent()
    const load = await Load.start([agent.bootstrap])
    await load.progress(100)
    const away = `${world.folder}-away`
    await rename(world.folder, away)
    // A file in its place: root, too, cannot make a folder below it.
    await writeFile(world.folder, '')
    await sleep(500)
    const during = load.acknowledged
    await sleep(2_000)
    expect(load.acknowledged).toBe(during)
    await rm(world.folder)
    await rename(away, world.folder)
    await load.progress(100)
    expect(await load.finish()).toEqual([])
    expect(load.failures).toEqual([])
  })
})
