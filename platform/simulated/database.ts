import type { PGlite, Results } from '@electric-sql/pglite'
import {
  type Database,
  DatabaseError,
  type Queryable,
  type QueryResult,
  type SqlValue,
  type Statement,
} from '../database.ts'
import { Semaphore } from '../std/semaphore.ts'
import { fromServerError, isServerError } from '../system/postgres-errors.ts'
import { sqlTypes, toWire } from '../system/sql-values.ts'
import type { Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'

/** bool, bytea, int8, int2, int4, text, oid, json, floats, varchar, date, timestamps, numeric, uuid, jsonb. */
const scalarOids = [16, 17, 20, 21, 23, 25, 26, 114, 700, 701, 1043, 1082, 1114, 1184, 1700, 2950, 3802]
/** Their arrays. */
const arrayOids = [
  1000, 1001, 1016, 1005, 1007, 1009, 1028, 199, 1021, 1022, 1015, 1182, 1115, 1185, 1231, 2951, 3807,
]

const parsers = Object.fromEntries(
  [...scalarOids, ...arrayOids].map((oid) => [
    oid,
    (text: string) => sqlTypes.getTypeParser(oid, 'text')(text),
  ]),
)
/** Values arrive as wire text already. */
const serializers = Object.fromEntries(
  [...scalarOids, ...arrayOids].map((oid) => [oid, (text: string) => text]),
)

/** One Postgres session in this process, and its outages; shared by the processes of a simulation. */
export class SimulatedPostgres {
  readonly #pglite: PGlite
  readonly #scheduler: Scheduler
  /** PGlite has one session: transactions take turns. */
  readonly turn = new Semaphore(1)
  #downUntilMs = 0
  #generation = 0

  constructor(pglite: PGlite, scheduler: Scheduler) {
    this.#pglite = pglite
    this.#scheduler = scheduler
  }

  /** Cuts every connection and takes none for this long, as a restart does. */
  restart(outageMs: number): void {
    this.#downUntilMs = Math.max(this.#downUntilMs, this.#scheduler.nowMs + outageMs)
    this.#generation++
  }

  /** Changes with every restart: a connection of an older generation is broken. */
  get generation(): number {
    return this.#generation
  }

  get down(): boolean {
    return this.#scheduler.nowMs < this.#downUntilMs
  }

  /** Runs the statement at this moment of virtual time. */
  async run<Row>(statement: Statement): Promise<QueryResult<Row>> {
    try {
      return await this.#scheduler.track(async () => {
        const { text, values = [] } = statement
        const result =
          values.length === 0
            ? (await this.#pglite.exec(text, { parsers })).at(-1)
            : await this.#pglite.query(text, values.map(toText), { parsers, serializers })
        return toQueryResult<Row>(result as Results<Row> | undefined)
      })
    } catch (error) {
      if (isServerError(error)) throw fromServerError(error, `Statement ${statement.name ?? statement.text}`)
      throw error
    }
  }
}

export interface SimulatedDatabaseOptions {
  readonly scheduler: Scheduler
  readonly postgres: SimulatedPostgres
  readonly faults: Faults
  /** Usual time of a round trip; 1 when absent. */
  readonly latencyMs?: number
}

/**
 * One process's way to the simulated Postgres. Transactions of all processes take turns, so work that waits, inside a
 * transaction, for a query outside of it waits for ever; the scheduler reports that as a standstill.
 */
export class SimulatedDatabase implements Database {
  readonly #options: SimulatedDatabaseOptions
  readonly #transactions = new Set<SimulatedTransaction>()
  #killed = false

  constructor(options: SimulatedDatabaseOptions) {
    this.#options = options
  }

  query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    return this.#whileAlive(this.#query<Row>(statement))
  }

  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return this.#whileAlive(this.#transaction(work))
  }

  async close(): Promise<void> {}

  /**
   * The process is gone: statements that were sent may still be done, but no answer arrives, and its transactions are
   * rolled back.
   */
  kill(): void {
    this.#killed = true
    for (const transaction of this.#transactions) {
      void transaction.rollback().then(() => this.#release(transaction))
    }
  }

  async #query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    checkName(statement)
    const { postgres, faults } = this.#options
    await this.#connect()
    try {
      return await roundTrip(this.#options, async () => {
        if (faults.strikes('databaseLostRequest')) throw inDoubt(statement, 'the request was lost')
        const result = await postgres.run<Row>(statement)
        if (faults.strikes('databaseLostReply')) throw inDoubt(statement, 'the answer was lost')
        return result
      })
    } finally {
      postgres.turn.release()
    }
  }

  async #transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    await this.#connect()
    const transaction = new SimulatedTransaction(this.#options)
    this.#transactions.add(transaction)
    const visible = {
      query: <Row>(statement: Statement) => this.#whileAlive(transaction.query<Row>(statement)),
    }
    try {
      await this.#whileAlive(transaction.begin())
      const value = await work(visible)
      await this.#whileAlive(transaction.commit())
      return value
    } catch (error) {
      await transaction.rollback()
      throw error
    } finally {
      this.#release(transaction)
    }
  }

  #release(transaction: SimulatedTransaction): void {
    if (this.#transactions.delete(transaction)) this.#options.postgres.turn.release()
  }

  async #connect(): Promise<void> {
    const { postgres, faults } = this.#options
    await postgres.turn.acquire()
    if (!this.#killed && !postgres.down && !faults.strikes('databaseUnavailable')) return
    postgres.turn.release()
    await this.#options.scheduler.sleep(1)
    throw new DatabaseError('Unavailable', 'Cannot get a connection to the simulated Postgres')
  }

  /** Passes an outcome on, unless nobody is there any more. */
  #whileAlive<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(
        (value) => this.#killed || resolve(value),
        (error: unknown) => this.#killed || reject(error),
      )
    })
  }
}

async function roundTrip<T>(options: SimulatedDatabaseOptions, act: () => Promise<T>): Promise<T> {
  const { scheduler, faults, latencyMs = 1 } = options
  await scheduler.sleep(faults.latencyMs(latencyMs / 2, 'databaseSlow'))
  try {
    return await act()
  } finally {
    await scheduler.sleep(faults.latencyMs(latencyMs / 2, 'databaseSlow'))
  }
}

class SimulatedTransaction implements Queryable {
  readonly #options: SimulatedDatabaseOptions
  readonly #generation: number
  #last: Promise<unknown> = Promise.resolve()
  #firstError: unknown
  #open = true

  constructor(options: SimulatedDatabaseOptions) {
    this.#options = options
    this.#generation = options.postgres.generation
  }

  begin(): Promise<unknown> {
    return this.#queue(() => roundTrip(this.#options, () => this.#options.postgres.run({ text: 'BEGIN' })))
  }

  query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    return this.#queue(() => this.#query<Row>(statement))
  }

  commit(): Promise<void> {
    return this.#queue(() => this.#commit())
  }

  /** The session is shared with others: it is always left clean. */
  async rollback(): Promise<void> {
    await this.#last
    if (!this.#open) return
    this.#open = false
    await this.#options.postgres.run({ text: 'ROLLBACK' })
  }

  /** One after the other, as on one connection. */
  #queue<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act)
    this.#last = result.catch((error: unknown) => {
      this.#firstError ??= error
    })
    return result
  }

  async #commit(): Promise<void> {
    const { postgres, faults } = this.#options
    const commit = { text: 'COMMIT' }
    await roundTrip(this.#options, async () => {
      this.#checkConnected(commit)
      await this.#checkNotAborted()
      if (faults.strikes('databaseConflict')) throw new DatabaseError('Conflict', 'COMMIT: deadlock detected')
      if (faults.strikes('databaseLostRequest')) throw inDoubt(commit, 'the request was lost')
      this.#open = false
      await postgres.run(commit)
      if (faults.strikes('databaseLostReply')) throw inDoubt(commit, 'the answer was lost')
    })
  }

  async #query<Row>(statement: Statement): Promise<QueryResult<Row>> {
    checkName(statement)
    if (!this.#open) throw new DatabaseError('Rejected', `${statement.text}: its transaction is already over`)
    return roundTrip(this.#options, async () => {
      this.#checkConnected(statement)
      return this.#options.postgres.run<Row>(statement)
    })
  }

  #checkConnected(statement: Statement): void {
    const { postgres } = this.#options
    if (!postgres.down && postgres.generation === this.#generation) return
    throw new DatabaseError('Unavailable', `${statement.name ?? statement.text}: the connection is gone`)
  }

  /** A failed statement aborts, unless a savepoint caught it; only the server knows. */
  async #checkNotAborted(): Promise<void> {
    if (this.#firstError === undefined) return
    try {
      await this.#options.postgres.run({ text: 'SELECT 1' })
    } catch {
      throw this.#firstError
    }
  }
}

function inDoubt(statement: Statement, what: string): DatabaseError {
  return new DatabaseError('InDoubt', `Statement ${statement.name ?? statement.text}: ${what}`)
}

function checkName(statement: Statement): void {
  if ((statement.name?.length ?? 0) > 63) {
    throw new DatabaseError('Rejected', `Statement name ${statement.name} is longer than 63 bytes`)
  }
}

function toText(value: SqlValue): string | null {
  const wire = toWire(value)
  return Buffer.isBuffer(wire) ? `\\x${wire.toString('hex')}` : wire
}

function toQueryResult<Row>(result: Results<Row> | undefined): QueryResult<Row> {
  const rows = result?.rows ?? []
  return { rows, rowCount: result?.affectedRows || rows.length }
}
