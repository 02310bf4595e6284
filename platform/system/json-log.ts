import type { Clock } from '../clock.ts'
import type { Log, LogFields, LogLevel } from '../log.ts'
import { isSecretName, toLogValue } from '../std/log-value.ts'

/** Where lines go; standard error or output, or a test's collector. */
export interface LogStream {
  write(text: string): unknown
}

export interface LogOptions {
  readonly level: LogLevel
  /** `json` for collectors, `text` for people. */
  readonly format: 'json' | 'text'
  readonly stream: LogStream
  readonly clock: Clock
}

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Writes one line for each message: a JSON object, or text for people. */
export class JsonLog implements Log {
  readonly #options: LogOptions
  readonly #fields: LogFields

  constructor(options: LogOptions, fields: LogFields = {}) {
    this.#options = options
    this.#fields = fields
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }

  child(fields: LogFields): Log {
    return new JsonLog(this.#options, { ...this.#fields, ...fields })
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const { format, stream, clock } = this.#options
    if (ranks[level] < ranks[this.#options.level]) return
    const time = new Date(clock.nowMs()).toISOString()
    const shown: Record<string, unknown> = {}
    for (const [name, value] of Object.entries({ ...this.#fields, ...fields })) {
      if (value === undefined) continue
      shown[reserved.has(name) ? `field_${name}` : name] = isSecretName(name) ? '***' : toLogValue(value)
    }
    stream.write(
      format === 'json'
        ? `${JSON.stringify({ time, level, message, ...shown })}\n`
        : textLine(time, level, message, shown),
    )
  }
}

const reserved = new Set(['time', 'level', 'message'])

function textLine(time: string, level: LogLevel, message: string, fields: Record<string, unknown>): string {
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}`
  let stack = ''
  for (const [name, value] of Object.entries(fields)) {
    line += ` ${name}=${textValue(value)}`
    const trace = (value as { stack?: unknown } | null)?.stack
    if (level === 'error' && typeof trace === 'string') stack += `${trace.replace(/^.*\n?/, '')}\n`
  }
  return stack === '' ? `${line}\n` : `${line}\n${stack}`
}

function textValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const { stack: _stack, ...rest } = value as { stack?: unknown }
  return JSON.stringify(Array.isArray(value) ? value : rest)
}

/** A line is one line, whatever a peer put into it. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}
