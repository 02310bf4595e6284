import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { migrate } from '@streamhouse/storage/metadata/migrate'
import { saveOrganization } from '@streamhouse/storage/metadata/organizations'
import { startChild } from '../servers/child.ts'
import { freePort } from '../servers/free-port.ts'
import { startPostgres } from '../servers/postgres.ts'
import type { SystemUnderTest } from './system-under-test.ts'

/** As the agent script of package.json starts it. */
const nodeFlags = ['--max-semi-space-size=6']
/** As it is published: what strips types from source would count as the agent's memory. */
const agent = join(import.meta.dirname, '..', '..', 'dist', 'agent', 'main.js')
const startTimeoutMs = 60_000
const tenantId = 'performance'

export interface StreamHouseOptions {
  readonly name: string
  readonly durability: 'sync' | 'os'
  /** More arguments for Node, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[]
  /** More flags for the agent. */
  readonly agentArgs?: readonly string[]
}

/** Starts one agent on a Postgres of its own and an object store in a temporary folder. */
export async function startStreamHouse(options: StreamHouseOptions): Promise<SystemUnderTest> {
  const postgres = await startPostgres({ durable: true })
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-store-'))
  const url = await postgres.createDatabase()
  await prepare(url)
  const [port, healthPort] = [await freePort(), await freePort()]
  const child = await startChild(
    process.execPath,
    [
      ...nodeFlags,
      ...(options.nodeArgs ?? []),
      agent,
      ...['--postgres', url, '--store', pathToFileURL(folder).href, '--durability', options.durability],
      ...['--kafka-port', String(port), '--health-port', String(healthPort), '--tenant', tenantId],
      ...(options.agentArgs ?? []),
    ],
    { cwd: process.cwd() },
  )
  const stop = async () => {
    await child.stop('SIGTERM')
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await ready(healthPort)
  } catch (cause) {
    await stop()
    throw new Error(`The agent is not ready; it printed:\n${child.output()}`, { cause })
  }
  return {
    name: options.name,
    bootstrap: `127.0.0.1:${port}`,
    parts: [
      { name: 'agent', pid: child.pid },
      { name: 'postgres', pid: postgres.pid },
    ],
    stop,
  }
}

async function prepare(url: string): Promise<void> {
  const owner = new PostgresDatabase({ url, poolMax: 1 })
  try {
    await migrate(owner)
    await saveOrganization(
      owner,
      {
        organizationId: randomUUID(),
        tenantId,
        suspended: false,
        quotas: {},
        defaults: {},
        owner: null,
        reclaimPolicy: 'Retain',
      },
      'performance',
    )
  } finally {
    await owner.close()
  }
}

async function ready(healthPort: number): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch((error: unknown) => error)
    if (answer instanceof Response && answer.ok) return
    if (performance.now() > deadline) {
      throw new Error(
        `Not ready within ${startTimeoutMs} ms: ${answer instanceof Response ? answer.status : answer}`,
      )
    }
    await sleep(50)
  }
}
