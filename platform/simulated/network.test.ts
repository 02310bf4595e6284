import { describe, expect, it } from 'vitest'
import { testNetwork } from '../contract/network.ts'
import type { Connection } from '../network.ts'
import { Faults } from './faults.ts'
import { SimulatedNetwork } from './network.ts'
import { SeededRandom } from './random.ts'
import { Scheduler } from './scheduler.ts'

function simulation(seed: number) {
  const scheduler = new Scheduler()
  const random = new SeededRandom(seed)
  const faults = new Faults(random.fork('faults'))
  return { scheduler, faults, network: new SimulatedNetwork({ scheduler, random, faults }) }
}

async function pairOf(network: SimulatedNetwork): Promise<{ near: Connection; far: Connection }> {
  let far: Connection | undefined
  const listener = await network.host('b').listen({ host: '0.0.0.0', port: 9092 }, (connection) => {
    far = connection
  })
  const near = await network.host('a').connect('b', listener.port, 1_000)
  return { near, far: far! }
}

describe('SimulatedNetwork', () => {
  testNetwork((work) => {
    const { scheduler, faults, network } = simulation(1)
    faults.set({ networkFragmented: 0.5, networkSlow: 0.05 })
    return scheduler.run(() => work({ server: network.host('b'), client: network.host('a'), host: 'b' }))
  })

  it('a partition holds data back until it heals, and dials time out', async () => {
    const { scheduler, network } = simulation(2)
    await scheduler.run(async () => {
      const { near, far } = await pairOf(network)
      let heard = ''
      far.handle({
        data: (chunk) => {
          heard += chunk.toString()
        },
        drained() {},
        closed() {},
      })
      network.partition('a', 'b')
      near.write([Buffer.from('one ')])
      near.write([Buffer.from('two')])
      await scheduler.sleep(100)
      expect(heard).toBe('')
      await expect(network.host('a').connect('b', 9092, 50)).rejects.toMatchObject({ code: 'TimedOut' })
      network.heal('a', 'b')
      await scheduler.sleep(100)
      expect(heard).toBe('one two')
    })
  })

  it('a reset at a write closes both sides with an error and is counted', async () => {
    const { scheduler, network, faults } = simulation(3)
    await scheduler.run(async () => {
      const { near, far } = await pairOf(network)
      const errors: unknown[] = []
      for (const side of [near, far])
        side.handle({ data() {}, drained() {}, closed: (error) => errors.push(error) })
      faults.set({ networkReset: 1 })
      expect(near.write([Buffer.from('x')])).toBe(false)
      await scheduler.sleep(10)
      expect(errors).toMatchObject([{ code: 'Reset' }, { code: 'Reset' }])
      expect(faults.counts.get('networkReset')).toBe(1)
    })
  })

  it('a killed process leaves its port, and its peers see a reset', async () => {
    const { scheduler, network } = simulation(4)
    await scheduler.run(async () => {
      const { near } = await pairOf(network)
      let error: Error | undefined
      near.handle({
        data() {},
        drained() {},
        closed: (reason) => {
          error = reason
        },
      })
      network.kill('b')
      await scheduler.sleep(10)
      expect(error).toMatchObject({ code: 'Reset' })
      await expect(network.host('a').connect('b', 9092, 50)).rejects.toMatchObject({ code: 'Refused' })
    })
  })
})
