import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { DatabaseError } from '@streamhouse/platform/database'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import {
  findPostgresBinaries,
  type PostgresBinaries,
  postgresUser,
  type SystemUser,
  unprivileged,
} from './postgres-binaries.ts'

export interface EmbeddedPostgresOptions {
  /** Where everything of the server lies; it survives restarts. */
  readonly folder: string
  /** 0 takes a free port. */
  readonly port: number
}

const databaseName = 'streamhouse'
const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000

const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=60',
  'shared_buffers=64MB',
  'max_wal_size=2GB',
  'jit=off',
]

/** A Postgres of our own, started and stopped with this process. */
export class EmbeddedPostgres {
  readonly url: string
  readonly pid: number
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.pid = child.pid!
    this.#child = child
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()))
  }

  /** Starts the server, made anew when its folder is empty, and waits until it answers. */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const binaries = await findPostgresBinaries()
    const user = await postgresUser()
    const data = join(options.folder, 'data')
    await mkdir(options.folder, { recursive: true })
    if (user !== null) await chown(options.folder, user.uid, user.gid)
    const password = await initialise(options.folder, data, binaries, user)
    await stopLeftover(data)
    const port = options.port === 0 ? await freePort() : options.port
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
    const logFile = openSync(join(options.folder, 'postgres.log'), 'a')
    const run = await unprivileged(user, binaries.postgres, args, [data])
    const child = spawn(run.command, run.args, {
      stdio: ['ignore', logFile, logFile],
      cwd: options.folder,
      // A terminal's Ctrl-C goes to the whole process group: in one of its own, the server still takes the last commits.
      detached: true,
      ...identity(run),
    })
    closeSync(logFile)
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    const server = new EmbeddedPostgres(
      `postgres://postgres:${password}@127.0.0.1:${port}/${databaseName}`,
      child,
    )
    await server.#createDatabase(join(options.folder, 'postgres.log'))
    return server
  }

  /** Shuts down fast: sessions are ended, everything committed is on disk. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGINT')
    const killed = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs)
    await this.#ended
    clearTimeout(killed)
  }

  async #createDatabase(logFile: string): Promise<void> {
    const url = new URL(this.url)
    url.pathname = '/postgres'
    const database = new PostgresDatabase({ url: url.href, poolMax: 1, connectTimeoutMs: 5_000 })
    try {
      for (const deadline = performance.now() + startTimeoutMs; ; await sleep(50)) {
        try {
          await database.query({ text: `create database ${databaseName}` })
          return
        } catch (error) {
          if (!(error instanceof DatabaseError)) throw error
          if (error.sqlState === '42P04') return // it exists already
          const over = this.#child.exitCode !== null || performance.now() > deadline
          if (over)
            throw new Error(`The embedded Postgres did not start: ${await lastLine(logFile)}`, {
              cause: error,
            })
        }
      }
    } finally {
      await database.close()
    }
  }
}

function identity(run: { uid?: number; gid?: number }): { uid?: number; gid?: number } {
  return run.uid === undefined || run.gid === undefined ? {} : { uid: run.uid, gid: run.gid }
}

/** Makes the data folder unless it is there, and gives the password. A folder left half-made is made again. */
async function initialise(
  folder: string,
  data: string,
  binaries: PostgresBinaries,
  user: SystemUser | null,
): Promise<string> {
  const passwordFile = join(folder, 'password')
  const madeFile = join(folder, 'initialised')
  const made = await readFile(madeFile, 'utf8').catch(() => null)
  if (made !== null) return readFile(passwordFile, 'utf8')
  await rm(data, { recursive: true, force: true })
  const password = randomBytes(16).toString('hex')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user !== null) await chown(passwordFile, user.uid, user.gid)
  const args = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8']
  const run = await unprivileged(
    user,
    binaries.initdb,
    [...args, '--locale=C', '--no-instructions'],
    [folder],
  )
  await promisify(execFile)(run.command, [...run.args], { cwd: folder, ...identity(run) })
  await writeFile(madeFile, 'initdb has finished\n')
  return password
}

/** A server that outlived a killed process still holds the folder: it is stopped, by the id it wrote there. */
async function stopLeftover(data: string): Promise<void> {
  const file = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => null)
  const pid = Number(file?.split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 1 || !(await isPostgresOf(pid, data))) return
  process.kill(pid, 'SIGINT')
  for (const deadline = performance.now() + stopTimeoutMs; await isPostgresOf(pid, data); await sleep(20)) {
    if (performance.now() > deadline)
      throw new Error(`Postgres with process id ${pid} holds ${data} and does not stop`)
  }
}

async function isPostgresOf(pid: number, data: string): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => null)
  return command === null ? process.platform !== 'linux' : command.includes(data)
}

async function lastLine(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n')
  return `${lines.at(-1)} (${file})`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
