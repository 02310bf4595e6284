import { DatabaseError, type DatabaseErrorCode } from '../database.ts'

/** What pg adds to an error that the server sent. */
interface ServerError extends Error {
  readonly severity?: string
  readonly code?: string
  readonly constraint?: string
  readonly detail?: string
  readonly routine?: string
}

const conflicts = new Set(['40001', '40P01', '40003', '55P03'])

/** Answers that mean "not now, or not on this server": nothing was done, and another try may find it changed. */
const unavailable = new Set([
  '57014', // query_canceled: statement_timeout, or an administrator
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
  '25006', // read_only_sql_transaction: a standby answered after a failover
  '26000', // invalid_sql_statement_name: a pooler gave us another server session
  '58000', // system_error
  '58030', // io_error
])

/** Insufficient resources: disk full, out of memory, too many connections. */
const resourcesClass = '53'

/** Whether the server sent the error itself, so that the statement is known not to have been done. */
export function isServerError(error: unknown): error is ServerError {
  const { severity, code } = (error ?? {}) as { severity?: unknown; code?: unknown }
  return typeof severity === 'string' && typeof code === 'string' && code.length === 5
}

/** A prepared plan outlives a migration: the same statement on a new session works. */
function isStalePlan(error: ServerError): boolean {
  return error.code === '0A000' && error.routine === 'RevalidateCachedQuery'
}

/** Whether the session cannot be trusted with further statements after the error. */
export function breaksSession(error: unknown): boolean {
  if (!isServerError(error)) return true
  const state = error.code ?? ''
  if (error.severity === 'FATAL' || error.severity === 'PANIC') return true
  return isStalePlan(error) || state === '26000' || state === '25006' || state.startsWith('08')
}

function codeOf(error: ServerError): DatabaseErrorCode {
  const state = error.code ?? ''
  if (conflicts.has(state) || isStalePlan(error)) return 'Conflict'
  if (unavailable.has(state) || state.startsWith(resourcesClass)) return 'Unavailable'
  return 'Rejected'
}

/** An error the server answered with. */
export function fromServerError(error: ServerError, doing: string): DatabaseError {
  return new DatabaseError(codeOf(error), `${doing}: ${error.message}`, {
    sqlState: error.code,
    constraint: error.constraint,
    cause: error,
  })
}

/**
 * An error of the connection. Without an answer nobody knows whether a statement that was sent has been done.
 *
 * @param sent whether the statement may have reached the server
 */
export function fromConnectionError(error: unknown, doing: string, sent: boolean): DatabaseError {
  if (error instanceof DatabaseError) return error
  if (isServerError(error)) return fromServerError(error, doing)
  const text = error instanceof Error ? error.message || String((error as ServerError).code) : String(error)
  return new DatabaseError(sent ? 'InDoubt' : 'Unavailable', `${doing}: ${text}`, { cause: error })
}
