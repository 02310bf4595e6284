import { join } from 'node:path'
import { type Child, startChild } from '../servers/child.ts'

const root = join(import.meta.dirname, '..', '..')
const startTimeoutMs = 60_000
const inService = 'The agent is in service'

export interface AgentOptions {
  readonly postgres: string
  readonly store: string
  readonly kafkaPort: number
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** An agent in a process of its own, which can be killed and started again on the same port. */
export class AgentProcess {
  readonly bootstrap: string
  readonly #options: AgentOptions
  #child: Child | null = null

  constructor(options: AgentOptions) {
    this.#options = options
    this.bootstrap = `127.0.0.1:${options.kafkaPort}`
  }

  get pid(): number {
    if (this.#child === null) throw new Error('The agent does not run')
    return this.#child.pid
  }

  /** The last of what it printed since it was started. */
  output(): string {
    return this.#child?.output() ?? ''
  }

  async start(): Promise<void> {
    const { postgres, store, kafkaPort, flags, env } = this.#options
    const settings = {
      '--postgres': postgres,
      '--store': store,
      '--kafka-port': String(kafkaPort),
      '--health-port': '0',
      '--group-initial-rebalance-delay-ms': '0',
      '--drain-ms': '5000',
    }
    const args = [join(root, 'agent', 'main.ts'), ...Object.entries(settings).flat(), ...(flags ?? [])]
    this.#child = await startChild(process.execPath, args, { cwd: root, env: { ...process.env, ...env } })
    await this.#child.printed(inService, startTimeoutMs)
  }

  async kill(): Promise<void> {
    await this.#child?.stop('SIGKILL')
  }

  /** Asks it to end; gives the exit code, null when it had to be killed. */
  async stop(): Promise<number | null> {
    await this.#child?.stop('SIGTERM')
    return this.#child?.exitCode() ?? null
  }
}
