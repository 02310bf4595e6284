import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { newOrganization, startMetadata, type TestMetadata } from './metadata.ts'

const startTimeoutMs = 60_000
const inService = 'The agent is in service'
const tenant = 'default'
const root = join(import.meta.dirname, '..', '..')

export interface StreamHouseOptions {
  /** Flags of the agent, after those of the tests. */
  readonly flags?: readonly string[]
}

/** A private StreamHouse: one agent in a process of its own, on a private Postgres and a temporary folder of objects. */
export interface StreamHouse {
  /** `127.0.0.1:port`, without authentication or encryption. */
  readonly bootstrap: string
  readonly pid: number
  readonly healthPort: number
  /** The last of what the agent printed. */
  output(): string
  stop(): Promise<void>
}

/** Starts StreamHouse on free ports, with one tenant. */
export async function startStreamHouse(options: StreamHouseOptions = {}): Promise<StreamHouse> {
  const metadata = await startMetadata()
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-store-'))
  const clear = async () => {
    await metadata.stop()
    await rm(folder, { recursive: true, force: true })
  }
  let child: Child | null = null
  try {
    await newOrganization(metadata.database, tenant)
    child = await startChild(process.execPath, agentArguments(metadata, folder, options), { cwd: root })
    await child.printed(inService, startTimeoutMs)
    return running(child, clear)
  } catch (error) {
    await child?.stop('SIGKILL')
    await clear()
    throw error
  }
}

function running(child: Child, clear: () => Promise<void>): StreamHouse {
  const line = child
    .output()
    .split('\n')
    .find((candidate) => candidate.includes(inService))!
  const { kafkaPort, healthPort } = JSON.parse(line) as { kafkaPort: number; healthPort: number }
  return {
    bootstrap: `127.0.0.1:${kafkaPort}`,
    pid: child.pid,
    healthPort,
    output: () => child.output(),
    async stop() {
      await child.stop('SIGTERM')
      await clear()
    },
  }
}

function agentArguments(metadata: TestMetadata, folder: string, options: StreamHouseOptions): string[] {
  const flags = {
    '--postgres': metadata.url,
    '--store': `file://${folder}`,
    '--tenant': tenant,
    '--kafka-port': '0',
    '--health-port': '0',
    '--group-initial-rebalance-delay-ms': '0',
    '--drain-ms': '2000',
    '--log-format': 'json',
  }
  return [join(root, 'agent', 'main.ts'), ...Object.entries(flags).flat(), ...(options.flags ?? [])]
}
