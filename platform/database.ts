/** Values that can be bound to a statement's parameters. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null | readonly SqlValue[]

/** A statement with its parameters; a named one is prepared once on each connection. */
export interface Statement {
  readonly name?: string
  readonly text: string
  readonly values?: readonly SqlValue[]
}

export interface QueryResult<Row> {
  readonly rows: Row[]
  /** Rows returned or changed. */
  readonly rowCount: number
}

/**
 * Runs statements. int8 columns arrive as bigint, int2 and int4 as number, bytea as Buffer, json as parsed values,
 * timestamptz as Date, arrays of these as arrays.
 */
export interface Queryable {
  query<Row = Record<string, unknown>>(statement: Statement): Promise<QueryResult<Row>>
}

/**
 * Why a statement failed.
 * - `Unavailable`: the server cannot be reached, is starting or stopping, or took too long to give a connection; nothing was done.
 * - `InDoubt`: the connection broke, or the time ran out, after the statement was sent; it may have been done.
 * - `Conflict`: serialization failure or deadlock; it was rolled back and can be run again at once.
 * - `Rejected`: the statement itself failed; `sqlState` and `constraint` say why.
 */
export type DatabaseErrorCode = 'Unavailable' | 'InDoubt' | 'Conflict' | 'Rejected'

/** The only error a Database throws. */
export class DatabaseError extends Error {
  readonly code: DatabaseErrorCode
  /** Five-character SQLSTATE, when the server gave one. */
  readonly sqlState: string | undefined
  readonly constraint: string | undefined

  constructor(
    code: DatabaseErrorCode,
    message: string,
    details: { sqlState?: string | undefined; constraint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'DatabaseError'
    this.code = code
    this.sqlState = details.sqlState
    this.constraint = details.constraint
  }

  /** Whether trying again later can help. */
  get retryable(): boolean {
    return this.code !== 'Rejected'
  }
}

/** A Postgres database behind a bounded pool of connections. */
export interface Database extends Queryable {
  /** Runs `work` on one connection between BEGIN and COMMIT; an exception rolls back and is thrown on. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>
  close(): Promise<void>
}
