import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../servers/free-port.ts'
import { Load } from './load.ts'
import { World } from './world.ts'

const kills = 10

describe('an agent that is killed at any moment', () => {
  let world: World
  beforeEach(async () => {
    world = await World.start()
  })
  afterEach(() => world.stop())

  for (const [durability, nodeId] of [
    ['sync', '7'],
    ['os', '-1'],
  ] as const) {
    it(`keeps every acknowledged record, once, with --durability ${durability}`, async () => {
      const flags = ['--durability', durability, '--node-id', nodeId]
      const agent = await world.agent({ flags, kafkaPort: await freePort() })
      const load = await Load.start([agent.bootstrap])
      await load.progress(200)
      for (let kill = 0; kill < kills; kill++) {
        await sleep(Math.random() * 600)
        await agent.kill()
        await agent.start()
        await load.progress(40)
      }
      expect(await load.finish()).toEqual([])
      expect(load.failures).toEqual([])
      expect(load.acknowledged).toBe(load.ledger.sent)
    })
  }
})
