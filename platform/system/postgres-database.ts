import pg from 'pg'
import {
  type Database,
  DatabaseError,
  type Queryable,
  type QueryResult,
  type SqlValue,
  type Statement,
} from '../database.ts'
import { breaksSession, fromConnectionError, fromServerError, isServerError } from './postgres-errors.ts'
import { sqlTypes, toWire } from './sql-values.ts'

export interface PostgresTls {
  /** PEM of the authority the server's certificate must be signed by; the system's when absent. */
  readonly authority?: string
  /** False takes any certificate: encrypted, but open to a man in the middle. */
  readonly verify: boolean
}

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Connections at most. */
  readonly poolMax: number
  readonly tls?: PostgresTls
  /** Role taken on each connection, when it is not the one that logs in. */
  readonly role?: string
  /** False answers a commit before it is on disk: a crash of the server may lose the last moments. */
  readonly synchronousCommit?: boolean
  readonly applicationName?: string
  /** How long to wait for a connection, a new one or one of the pool. */
  readonly connectTimeoutMs?: number
  /** The server stops a statement after this time; a second later the connection is given up. */
  readonly statementTimeoutMs?: number
  /** A connection unused for this long is closed. */
  readonly idleTimeoutMs?: number
  /** Told about connections that break while nobody uses them. */
  readonly onIdleError?: (error: Error) => void
}

/** Longest statement name, in bytes, that Postgres tells apart. */
const statementNameMaxBytes = 63
/** What the server's own timeout is given to arrive before the connection is cut. */
const answerGraceMs = 1_000

type Client = pg.PoolClient & { readonly connection: { readonly stream: { readonly writable: boolean } } }
type Release = (destroy?: boolean) => void
type Result = pg.QueryResult<pg.QueryResultRow>

/** Postgres behind a pool of `pg` connections: one query outside a transaction is one round trip. */
export class PostgresDatabase implements Database {
  readonly #pool: pg.Pool
  readonly #statementTimeoutMs: number
  readonly #name: string
  /** When each connection was last heard of. */
  readonly #heardMs = new WeakMap<Client, number>()
  /** A connection not heard of since then is not used again. */
  #suspectMs = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(options: PostgresOptions) {
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 30_000
    this.#pool = new pg.Pool(poolConfig(options, this.#statementTimeoutMs))
    this.#name = databaseName(options.url)
    // pg raises a broken connection's error on the client as well; without a listener the process would end.
    this.#pool.on('connect', (client) => client.on('error', () => {}))
    this.#pool.on('error', (error) => options.onIdleError?.(error))
  }

  async query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    checkName(statement)
    const [client, release] = await this.#acquire()
    const session = new Session(client, this.#statementTimeoutMs)
    try {
      return toRows<Row>(await session.run(statement, 'InDoubt'))
    } finally {
      this.#heard(client, session)
      release(session.broken)
    }
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    const [client, release] = await this.#acquire()
    const session = new Session(client, this.#statementTimeoutMs)
    const transaction = new Transaction(session)
    try {
      await session.run({ text: 'BEGIN' }, 'Unavailable')
      const value = await work(transaction)
      await transaction.commit()
      return value
    } catch (error) {
      await transaction.rollback()
      throw error
    } finally {
      this.#heard(client, session)
      release(session.broken)
    }
  }

  /** Waits for the statements that run, then closes every connection. */
  close(): Promise<void> {
    this.#closing ??= this.#pool.end()
    return this.#closing
  }

  /** A connection and its release. Those that were idle since before another one fell silent are let go. */
  async #acquire(): Promise<[Client, Release]> {
    for (;;) {
      const [client, release] = await this.#connect()
      if ((this.#heardMs.get(client) ?? Number.POSITIVE_INFINITY) > this.#suspectMs) return [client, release]
      release(true)
    }
  }

  /** What silenced one connection, a failover or a lost entry in a router's table, has mostly silenced its elders too. */
  #heard(client: Client, session: Session): void {
    if (session.silentSinceMs !== null) this.#suspectMs = Math.max(this.#suspectMs, session.silentSinceMs)
    else this.#heardMs.set(client, performance.now())
  }

  #connect(): Promise<[Client, Release]> {
    return new Promise((resolve, reject) => {
      this.#pool.connect((error, client, release) => {
        if (error !== undefined && error !== null) {
          reject(fromConnectionError(error, `Cannot get a connection to ${this.#name}`, false))
          return
        }
        resolve([client as Client, release])
      })
    })
  }
}

/** One connection while it is out of the pool. */
class Session {
  readonly #client: Client
  readonly #timeoutMs: number
  /** Whether the connection must not go back to the pool. */
  broken = false
  /** When the statement was sent that got no answer in time; null when none was left without. */
  silentSinceMs: number | null = null

  constructor(client: Client, timeoutMs: number) {
    this.#client = client
    this.#timeoutMs = timeoutMs
  }

  /** @param unanswered the code of the error when no answer arrives */
  run(statement: Statement, unanswered: 'InDoubt' | 'Unavailable'): Promise<Result> {
    const client = this.#client
    if (this.broken || !client.connection.stream.writable) {
      this.broken = true
      throw new DatabaseError('Unavailable', `${describe(statement)}: the connection is gone`)
    }
    const sentMs = performance.now()
    return new Promise((resolve, reject) => {
      let done = false
      const timer = setTimeout(() => {
        done = true
        this.broken = true
        this.silentSinceMs = sentMs
        const text = `${describe(statement)}: no answer within ${this.#timeoutMs + answerGraceMs} ms`
        reject(new DatabaseError(unanswered, text))
      }, this.#timeoutMs + answerGraceMs)
      const query = { name: statement.name, text: statement.text, values: wireValues(statement.values) }
      client.query(query as pg.QueryConfig, (error: Error | null | undefined, result: Result) => {
        clearTimeout(timer)
        if (done) return
        if (!error) {
          resolve(result)
          return
        }
        if (breaksSession(error)) this.broken = true
        const doing = describe(statement)
        if (isServerError(error)) reject(fromServerError(error, doing))
        else reject(fromConnectionError(error, doing, unanswered === 'InDoubt'))
      })
    })
  }
}

/** Until COMMIT is sent, whatever breaks the connection also rolls back: nothing is in doubt before that. */
class Transaction implements Queryable {
  readonly #session: Session
  #last: Promise<unknown> = Promise.resolve()
  #firstError: unknown
  #over = false

  constructor(session: Session) {
    this.#session = session
  }

  query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    if (this.#over) {
      return Promise.reject(
        new DatabaseError('Rejected', `${describe(statement)}: its transaction is already over`),
      )
    }
    // pg deprecates sending a statement while another one runs on the same connection.
    const result = this.#last.then(async () => {
      checkName(statement)
      return toRows<Row>(await this.#session.run(statement, 'Unavailable'))
    })
    this.#last = result.catch((error: unknown) => {
      this.#firstError ??= error
    })
    return result
  }

  async commit(): Promise<void> {
    await this.#last
    this.#over = true
    const result = await this.#session.run({ text: 'COMMIT' }, 'InDoubt')
    // A transaction in which a statement failed is rolled back, whatever its author did about the error.
    if (result.command !== 'COMMIT') {
      throw this.#firstError ?? new DatabaseError('Rejected', 'COMMIT: the transaction had been rolled back')
    }
  }

  async rollback(): Promise<void> {
    await this.#last
    this.#over = true
    if (this.#session.broken) return
    try {
      await this.#session.run({ text: 'ROLLBACK' }, 'Unavailable')
    } catch {
      // The server rolls back when the connection goes, and the caller gets the error that led here.
      this.#session.broken = true
    }
  }
}

function poolConfig(options: PostgresOptions, statementTimeoutMs: number): pg.PoolConfig {
  const onConnect = sessionSettings(options)
  const connectTimeoutMs = options.connectTimeoutMs ?? 5_000
  const config: pg.PoolConfig & { onConnect?: (client: pg.ClientBase) => Promise<void> } = {
    connectionString: options.url,
    max: options.poolMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: options.idleTimeoutMs ?? 60_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    application_name: options.applicationName ?? 'streamhouse',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    allowExitOnIdle: true,
    types: sqlTypes as unknown as pg.CustomTypesConfig,
  }
  if (options.tls !== undefined) {
    config.ssl = { rejectUnauthorized: options.tls.verify }
    if (options.tls.authority !== undefined) config.ssl.ca = options.tls.authority
  }
  if (onConnect !== '') {
    config.onConnect = async (client) => {
      await client.query({ text: onConnect, query_timeout: connectTimeoutMs } as pg.QueryConfig)
    }
  }
  return config
}

function sessionSettings(options: PostgresOptions): string {
  const settings: string[] = []
  if (options.role !== undefined) settings.push(`SET ROLE ${pg.escapeIdentifier(options.role)}`)
  if (options.synchronousCommit === false) settings.push('SET synchronous_commit = off')
  return settings.join('; ')
}

/** Host and database without the password, for messages. */
function databaseName(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `Postgres at ${host}${pathname}`
  } catch {
    return 'Postgres'
  }
}

function checkName(statement: Statement): void {
  if (statement.name !== undefined && Buffer.byteLength(statement.name) > statementNameMaxBytes) {
    throw new DatabaseError(
      'Rejected',
      `Statement name ${statement.name} is longer than ${statementNameMaxBytes} bytes`,
    )
  }
}

/** The name, or the start of the text: enough to find the statement, never its values. */
function describe(statement: Statement): string {
  if (statement.name !== undefined) return `Statement ${statement.name}`
  const line = statement.text.trim().replace(/\s+/g, ' ')
  return `Statement "${line.length > 60 ? `${line.slice(0, 60)}…` : line}"`
}

function wireValues(values: readonly SqlValue[] | undefined): (string | Buffer | null)[] | undefined {
  return values?.map(toWire)
}

function toRows<Row>(result: Result | Result[]): QueryResult<Row> {
  // A text of several statements answers with one result for each; the last one counts.
  const last = Array.isArray(result) ? result.at(-1)! : result
  return { rows: last.rows as Row[], rowCount: last.rowCount ?? 0 }
}
