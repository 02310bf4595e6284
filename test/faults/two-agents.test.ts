import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentProcess } from './agent-process.ts'
import { GroupReader } from './group-reader.ts'
import { coordinatorOf, joinAlone } from './group-wire.ts'
import { Load } from './load.ts'
import { World } from './world.ts'

let world: World
let agents: [AgentProcess, AgentProcess]
let load: Load
beforeEach(async () => {
  world = await World.start()
  agents = [await world.agent(), await world.agent()]
  load = await Load.start(agents.map((agent) => agent.bootstrap))
  await load.progress(200)
})
afterEach(() => world.stop())

async function expectWhole(): Promise<void> {
  expect(await load.finish()).toEqual([])
  expect(load.failures).toEqual([])
  expect(load.acknowledged).toBe(load.ledger.sent)
}

describe('two agents on one database and one store', () => {
  it('lose and double nothing when one after the other is stopped or killed under load', async () => {
    for (const [index, way] of [
      [0, 'stop'],
      [1, 'kill'],
      [0, 'kill'],
      [1, 'stop'],
    ] as const) {
      const agent = agents[index]
      await agent[way]()
      await load.progress(100)
      await agent.start()
      await load.progress(100)
    }
    await expectWhole()
  })

  it('let a consumer group go on from its committed offsets when its coordinator is killed', async () => {
    const reader = await GroupReader.start(load.kafka, load.topic)
    await reader.progress(200)
    const coordinator = await coordinatorOf(agents[0].bootstrap, reader.group)
    const killed = agents.find((agent) => agent.bootstrap === coordinator)!
    await killed.kill()
    await reader.progress(200)
    await killed.start()
    await reader.progress(200)
    expect(await reader.stop()).toEqual([])
    await expectWhole()
  })

  it('refuse the commit of a coordinator that stood still while its group went elsewhere', async () => {
    const group = 'moved'
    const first = await coordinatorOf(agents[0].bootstrap, group)
    const stopped = agents.find((agent) => agent.bootstrap === first)!
    const other = agents.find((agent) => agent.bootstrap !== first)!
    const elder = await joinAlone(first, group, load.topic)
    expect(await elder.commit(0, 5n)).toBe(0)
    process.kill(stopped.pid, 'SIGSTOP')
    const late = elder.commit(0, 7n)
    for (
      const deadline = performance.now() + 30_000;
      (await coordinatorOf(other.bootstrap, group)) === first;
    ) {
      expect(performance.now()).toBeLessThan(deadline)
      await sleep(100)
    }
    const heir = await joinAlone(other.bootstrap, group, load.topic)
    expect(await heir.committed(0)).toBe(5n)
    expect(await heir.commit(0, 6n)).toBe(0)
    process.kill(stopped.pid, 'SIGCONT')
    expect(await late).not.toBe(0)
    expect(await heir.committed(0)).toBe(6n)
    elder.close()
    heir.close()
    await expectWhole()
  })
})

describe('an agent that is told to stop under load', () => {
  it('answers what it took, in time, and the next one has it all', async () => {
    const [one, other] = agents
    await other.stop()
    for (let round = 0; round < 5; round++) {
      await load.progress(60)
      await sleep(Math.random() * 200)
      const stopping = performance.now()
      expect(await one.stop()).toBe(0)
      expect(performance.now() - stopping).toBeLessThan(8_000)
      await one.start()
    }
    await load.progress(60)
    await expectWhole()
  })
})
