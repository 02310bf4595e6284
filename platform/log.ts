/** How much a line matters, in rising order. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/**
 * What a line is about, beyond its message. Errors are written with their code and causes, bigints as numbers, bytes as
 * their length. A value whose name speaks of a secret is never written.
 */
export type LogFields = Readonly<Record<string, unknown>>

/** Structured log. The message is a constant sentence; what varies goes into fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log that adds these fields to each of its lines. */
  child(fields: LogFields): Log
}
