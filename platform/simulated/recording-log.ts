import type { Log, LogFields, LogLevel } from '../log.ts'

export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** Keeps what is logged, for tests to look at. */
export class RecordingLog implements Log {
  readonly records: LogRecord[]
  readonly #fields: LogFields

  constructor(records: LogRecord[] = [], fields: LogFields = {}) {
    this.records = records
    this.#fields = fields
  }

  debug(message: string, fields?: LogFields): void {
    this.#keep('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#keep('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields)
  }

  child(fields: LogFields): Log {
    return new RecordingLog(this.records, { ...this.#fields, ...fields })
  }

  #keep(level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.records.push({ level, message, fields: { ...this.#fields, ...fields } })
  }
}

/** Logs nothing. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
