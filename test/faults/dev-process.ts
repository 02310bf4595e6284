import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { descendants, runs } from './processes.ts'

const root = join(import.meta.dirname, '..', '..')
const startTimeoutMs = 60_000
const endTimeoutMs = 30_000

/** `streamhouse dev` in a process group of its own, as a terminal would start it. */
export class DevProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #output = ''

  constructor(flags: readonly string[]) {
    this.#child = spawn(process.execPath, [join(root, 'dev', 'main.ts'), ...flags], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve))
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString()
      })
    }
  }

  get pid(): number {
    return this.#child.pid!
  }

  get output(): string {
    return this.#output
  }

  /** Resolves when it says that it is up. */
  async up(): Promise<void> {
    for (const deadline = performance.now() + startTimeoutMs; !this.#output.includes('Ctrl-C stops'); ) {
      if (this.#child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`streamhouse dev does not come up; it printed:\n${this.#output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** It and all that it started. */
  async processes(): Promise<number[]> {
    return [this.pid, ...(await descendants(this.pid))]
  }

  /** Its own process dies at once; what it started does not learn of it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Ctrl-C: the terminal signals the whole group. Gives the exit code. */
  async interrupt(): Promise<number | null> {
    process.kill(-this.pid, 'SIGINT')
    return this.end()
  }

  /** Waits for the end; gives the exit code. */
  async end(): Promise<number | null> {
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, endTimeoutMs, 'late').unref())
    const code = await Promise.race([this.#ended, late])
    if (code === 'late') throw new Error(`streamhouse dev does not end; it printed:\n${this.#output}`)
    return code
  }
}

/** Kills those of the processes that still run. */
export async function killAll(pids: Iterable<number>): Promise<void> {
  for (const pid of pids) if (await runs(pid)) process.kill(pid, 'SIGKILL')
}
