import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { migrate } from '@streamhouse/storage/metadata/migrate'
import { freePort } from '../servers/free-port.ts'
import { newOrganization } from '../servers/metadata.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { type AgentOptions, AgentProcess } from './agent-process.ts'

const restartTimeoutMs = 30_000

/** A Postgres with one tenant and a folder for objects: what outlives the agents of a test. */
export class World {
  readonly postgres: PostgresServer
  readonly postgresUrl: string
  readonly folder: string
  readonly #agents: AgentProcess[] = []

  private constructor(postgres: PostgresServer, postgresUrl: string, folder: string) {
    this.postgres = postgres
    this.postgresUrl = postgresUrl
    this.folder = folder
  }

  static async start(): Promise<World> {
    // A killed server keeps what it has written, even unsynced, but not what is still in its own memory.
    const postgres = await startPostgres({ settings: ['synchronous_commit=on'] })
    const url = await postgres.createDatabase()
    const owner = new PostgresDatabase({ url, poolMax: 1 })
    try {
      await migrate(owner)
      await newOrganization(owner, 'default')
    } finally {
      await owner.close()
    }
    return new World(postgres, url, await mkdtemp(join(tmpdir(), 'streamhouse-faults-')))
  }

  /** Starts an agent on a free port, with the folder as its store unless told otherwise. */
  async agent(options: Partial<AgentOptions> = {}): Promise<AgentProcess> {
    const agent = new AgentProcess({
      postgres: this.postgresUrl,
      store: `file://${this.folder}`,
      kafkaPort: await freePort(),
      ...options,
    })
    this.#agents.push(agent)
    await agent.start()
    return agent
  }

  /** Kills the whole server at once, as the kernel would, and starts it again on its data. */
  async crashPostgres(): Promise<void> {
    process.kill(this.postgres.pid, 'SIGKILL')
    const deadline = performance.now() + restartTimeoutMs
    for (;;) {
      try {
        await this.postgres.restart()
        return
      } catch (error) {
        // Its other processes see the death of the first one only a moment later.
        if (performance.now() > deadline) throw error
        await sleep(100)
      }
    }
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) await agent.kill()
    await this.postgres.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}
