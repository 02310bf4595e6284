import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { conditionOf, manifest, see } from './manifests.ts'
import { eventually, findBinaries, startWorld, type World } from './world.ts'

const binaries = await findBinaries()
const program = new URL('../../operator/main.ts', import.meta.url).pathname

interface Running {
  readonly process: ChildProcess
  readonly port: number
  readonly exited: Promise<unknown[]>
}

describe.skipIf(binaries === null)('two operators', () => {
  let world: World
  let running: Running[] = []

  beforeAll(async () => {
    world = await startWorld(binaries ?? '')
    await world.cluster.kubectl(['apply', '-f', '-'], manifest('Tenant', 'acme', {}))
  })
  afterEach(async () => {
    for (const { process: child, exited } of running) {
      child.kill('SIGKILL')
      await exited
    }
    running = []
  })
  afterAll(() => world?.stop())

  async function start(identity: string): Promise<Running> {
    const settings = {
      STREAMHOUSE_KUBECONFIG: world.cluster.kubeconfigPath,
      STREAMHOUSE_POSTGRES: world.metadata.url,
      STREAMHOUSE_IDENTITY: identity,
      STREAMHOUSE_HEALTH_HOST: '127.0.0.1',
      STREAMHOUSE_HEALTH_PORT: '0',
    }
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    const exited = once(child, 'exit')
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const port = await eventually(
      async () => Number(/"healthPort":(\d+)/.exec(output)?.[1]),
      (found) => found > 0,
    )
    const started = { process: child, port, exited }
    running.push(started)
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status,
      (status) => status === 200,
    )
    return started
  }

  const holder = async (): Promise<string> =>
    world.cluster.kubectl([
      'get',
      'lease',
      'streamhouse-operator',
      '-n',
      'default',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    ])
  const metric = async ({ port }: Running, name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
  }
  async function timeToReady(name: string): Promise<number> {
    const startedMs = Date.now()
    await world.cluster.kubectl(
      ['apply', '-f', '-'],
      manifest('Topic', name, { tenantRef: { name: 'acme' } }),
    )
    await eventually(
      () => see(world.cluster, 'topic', name),
      (seen) => conditionOf(seen, 'Ready') === 'True/Reconciled',
    )
    return Date.now() - startedMs
  }

  test('one leads; when it is killed the other takes over, when it is told to stop at once', async () => {
    const first = await start('first')
    await eventually(holder, (name) => name.startsWith('first'))
    await timeToReady('one')
    const second = await start('second')
    expect(await metric(first, 'leader_election_master_status')).toBe(1)
    expect(await metric(second, 'leader_election_master_status')).toBe(0)
    expect((await fetch(`http://127.0.0.1:${second.port}/livez`)).status).toBe(200)

    first.process.kill('SIGKILL')
    const afterKillMs = await timeToReady('two')
    expect(await holder()).toMatch(/^second/)
    expect(afterKillMs).toBeLessThan(20_000)

    const third = await start('third')
    second.process.kill('SIGTERM')
    const [code] = await second.exited
    const afterTermMs = await timeToReady('three')
    expect(code).toBe(0)
    expect(await holder()).toMatch(/^third/)
    expect(afterTermMs).toBeLessThan(5_000)
    expect(await metric(third, 'leader_election_master_status')).toBe(1)
    console.log(
      `A Topic was Ready ${afterKillMs} ms after its leader was killed, ${afterTermMs} ms after it was stopped`,
    )
  })

  test('a leader whose lease was taken away ends', async () => {
    const leader = await start('robbed')
    await eventually(holder, (name) => name.startsWith('robbed'))
    const patch = '{"spec":{"holderIdentity":"thief","leaseDurationSeconds":2}}'
    await world.cluster.kubectl([
      'patch',
      'lease',
      'streamhouse-operator',
      '-n',
      'default',
      '--type=merge',
      '-p',
      patch,
    ])
    const [code] = await leader.exited
    expect(code).toBe(1)
  })
})
