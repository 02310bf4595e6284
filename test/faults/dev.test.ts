import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../servers/free-port.ts'
import { DevProcess, killAll } from './dev-process.ts'
import { Load } from './load.ts'
import { runs } from './processes.ts'

describe('streamhouse dev', () => {
  let dataDir: string
  let flags: string[]
  const started = new Set<number>()
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'streamhouse-dev-'))
    flags = ['--data-dir', dataDir, '--health-port', '0']
  })
  afterEach(async () => {
    await killAll(started)
    started.clear()
    await rm(dataDir, { recursive: true, force: true })
  })

  async function up(...more: string[]): Promise<DevProcess> {
    const dev = new DevProcess([...flags, ...more])
    started.add(dev.pid)
    await dev.up()
    for (const pid of await dev.processes()) started.add(pid)
    return dev
  }

  const running = async () => {
    const still: number[] = []
    for (const pid of started) if (await runs(pid)) still.push(pid)
    return still
  }

  it('killed under load and started again takes its database over and has every acknowledged record', async () => {
    const kafkaPort = await freePort()
    let dev = await up('--kafka-port', String(kafkaPort))
    const load = await Load.start([`127.0.0.1:${kafkaPort}`])
    for (let kill = 0; kill < 3; kill++) {
      await load.progress(100)
      await sleep(Math.random() * 300)
      await dev.kill()
      dev = await up('--kafka-port', String(kafkaPort))
      expect(dev.output).toContain('Topic flights Ready')
      await load.progress(100)
    }
    expect(await load.finish()).toEqual([])
    expect(load.failures).toEqual([])
    expect(load.acknowledged).toBe(load.ledger.sent)
    expect(await dev.interrupt()).toBe(0)
    expect(await running()).toEqual([])
  })

  it('stopped by Ctrl-C under load ends with code 0, leaves no process, and keeps every acknowledged record', async () => {
    const kafkaPort = await freePort()
    let dev = await up('--kafka-port', String(kafkaPort))
    const load = await Load.start([`127.0.0.1:${kafkaPort}`])
    for (let round = 0; round < 2; round++) {
      await load.progress(100)
      const stopping = performance.now()
      expect(await dev.interrupt()).toBe(0)
      expect(performance.now() - stopping).toBeLessThan(15_000)
      expect(await running()).toEqual([])
      dev = await up('--kafka-port', String(kafkaPort))
    }
    await load.progress(100)
    expect(await load.finish()).toEqual([])
    expect(load.failures).toEqual([])
    expect(load.acknowledged).toBe(load.ledger.sent)
    expect(await dev.interrupt()).toBe(0)
  })

  it('killed and started on another port shows its demonstration and ends with code 0', async () => {
    const dev = await up('--kafka-port', '0')
    await dev.kill()
    const again = new DevProcess([...flags, '--kafka-port', '0', '--once'])
    started.add(again.pid)
    expect(await again.end(), again.output).toBe(0)
    expect(await running()).toEqual([])
  })
})
