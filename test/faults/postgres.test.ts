import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Load } from './load.ts'
import { descendants } from './processes.ts'
import { FaultyProxy } from './proxy.ts'
import { World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await World.start()
})
afterEach(() => world.stop())

async function expectWhole(load: Load): Promise<void> {
  expect(await load.finish()).toEqual([])
  expect(load.failures).toEqual([])
  expect(load.acknowledged).toBe(load.ledger.sent)
}

describe('a metadata database that goes away under load', () => {
  it('loses and doubles nothing when it is restarted and when it crashes', async () => {
    const agent = await world.agent()
    const load = await Load.start([agent.bootstrap])
    await load.progress(200)
    await world.postgres.restart()
    await load.progress(100)
    for (let crash = 0; crash < 2; crash++) {
      await world.crashPostgres()
      await load.progress(100)
    }
    // One session killed makes the server end all others and recover.
    for (let crash = 0; crash < 2; crash++) {
      const sessions = await descendants(world.postgres.pid)
      process.kill(sessions.at(-1)!, 'SIGKILL')
      await load.progress(100)
    }
    await expectWhole(load)
  })

  it('loses and doubles nothing when it stands still for some seconds', async () => {
    const agent = await world.agent()
    const load = await Load.start([agent.bootstrap])
    await load.progress(200)
    for (const stillMs of [2_000, 9_500]) {
      const processes = [world.postgres.pid, ...(await descendants(world.postgres.pid))]
      for (const pid of processes) process.kill(pid, 'SIGSTOP')
      await sleep(stillMs)
      for (const pid of processes) process.kill(pid, 'SIGCONT')
      await load.progress(100)
    }
    await expectWhole(load)
  })
})

describe('a network between agent and metadata database that fails under load', () => {
  let proxy: FaultyProxy
  let load: Load
  beforeEach(async () => {
    proxy = await FaultyProxy.start(world.postgres.port, 'commit_object')
    const url = new URL(world.postgresUrl)
    url.port = String(proxy.port)
    const agent = await world.agent({ postgres: url.href })
    load = await Load.start([agent.bootstrap])
    await load.progress(200)
  })
  afterEach(() => proxy.stop())

  it('loses and doubles nothing when the answers of commits are lost', async () => {
    for (let round = 0; round < 20; round++) {
      proxy.cutsLeft = 1 + (round % 4)
      await load.progress(50)
    }
    expect(proxy.cutsLeft).toBe(0)
    await expectWhole(load)
  })

  it('loses and doubles nothing when connections are cut, slow and silent', async () => {
    for (let round = 0; round < 5; round++) {
      proxy.cutAll()
      await load.progress(50)
    }
    proxy.latencyMs = 50
    await load.progress(100)
    proxy.latencyMs = 0
    await load.progress(50)
    proxy.silent = true
    await sleep(3_000)
    proxy.silent = false
    await load.progress(100)
    await expectWhole(load)
  })

  it('goes on with new connections when the open ones stay silent for ever', async () => {
    proxy.forget()
    await load.progress(100, 25_000)
    await expectWhole(load)
  })
})
