/** One setting of a program: its flag, its variable, what it means. */
export interface Setting<Value> {
  /** Environment variable; the flag is its setting's name in kebab case. */
  readonly variable: string
  /** What it is when neither flag nor variable is given; undefined makes it required. */
  readonly fallback: Value | undefined
  /** Shown by --help: what a value looks like, such as `PORT`; absent for a flag without value. */
  readonly placeholder?: string
  readonly doc: string
  /** Throws with a message that says what a right value looks like. */
  parse(text: string): Value
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>
export type Settings<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never
}

/** Settings that are missing, unknown or wrong: all of them, one a line. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

/**
 * Reads a program's settings from its arguments, then its environment, then the defaults.
 * @throws ConfigError naming every setting that is wrong
 */
export function readSettings<Table extends SettingTable>(
  table: Table,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings<Table> {
  const problems: string[] = []
  const given = readFlags(table, argv, problems)
  const settings: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(table)) {
    const variable = environment[setting.variable]
    const [text, source] = given.has(name)
      ? [given.get(name)!, flagOf(name)]
      : [variable === '' ? undefined : variable, setting.variable]
    if (text === undefined) {
      if (setting.fallback === undefined)
        problems.push(`${flagOf(name)} (or ${setting.variable}) is required: ${setting.doc}`)
      settings[name] = setting.fallback
      continue
    }
    try {
      settings[name] = setting.parse(text)
    } catch (error) {
      problems.push(`${source}: ${(error as Error).message}`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(settings) as Settings<Table>
}

function readFlags(table: SettingTable, argv: readonly string[], problems: string[]): Map<string, string> {
  const names = new Map(Object.keys(table).map((name) => [flagOf(name), name]))
  const given = new Map<string, string>()
  for (let position = 0; position < argv.length; position++) {
    const [flag, inline] = splitFlag(argv[position]!)
    const name = names.get(flag)
    if (name === undefined) {
      problems.push(`${argv[position]} is not a flag of this program; --help lists them`)
      continue
    }
    const takesValue = table[name]!.placeholder !== undefined
    const value = inline ?? (takesValue ? argv[++position] : 'true')
    if (value === undefined) problems.push(`${flag} needs a value: ${table[name]!.placeholder}`)
    else given.set(name, value)
  }
  return given
}

function splitFlag(argument: string): [string, string | undefined] {
  const equals = argument.indexOf('=')
  return equals < 0 ? [argument, undefined] : [argument.slice(0, equals), argument.slice(equals + 1)]
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The text of --help for a table. */
export function describeSettings(table: SettingTable): string {
  const rows = Object.entries(table).map(([name, setting]) => {
    const usage = setting.placeholder === undefined ? flagOf(name) : `${flagOf(name)} ${setting.placeholder}`
    const fallback =
      setting.fallback === undefined || setting.fallback === null ? '' : ` (default ${setting.fallback})`
    return {
      usage,
      text: `${setting.doc}${setting.placeholder === undefined ? '' : fallback}; ${setting.variable}`,
    }
  })
  const width = Math.max(...rows.map((row) => row.usage.length))
  return rows.map((row) => `  ${row.usage.padEnd(width)}  ${row.text}\n`).join('')
}

type Details<Value> = { variable: string; fallback?: Value; doc: string }

/** A text. */
export function text(details: Details<string> & { placeholder: string }): Setting<string> {
  return { ...details, fallback: details.fallback, parse: (value) => value }
}

/** A text that may be absent: null then. */
export function optionalText(details: Details<string> & { placeholder: string }): Setting<string | null> {
  return { ...details, fallback: null, parse: (value) => value }
}

/** A whole number within bounds. */
export function wholeNumber(
  details: Details<number> & { min: number; max: number; placeholder: string },
): Setting<number> {
  const { min, max } = details
  return {
    ...details,
    fallback: details.fallback,
    parse(value) {
      const number = Number(value)
      if (!/^-?\d+$/.test(value) || number < min || number > max) {
        throw new Error(`'${value}' is not a whole number from ${min} to ${max}`)
      }
      return number
    },
  }
}

/** Yes or no; a flag without a value means yes. */
export function yesNo(details: Details<boolean>): Setting<boolean> {
  return {
    ...details,
    fallback: details.fallback ?? false,
    parse(value) {
      if (value === 'true' || value === '1') return true
      if (value === 'false' || value === '0') return false
      throw new Error(`'${value}' is neither true nor false`)
    },
  }
}

/** One of a few words. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  details: Details<Word>,
): Setting<Word> {
  return {
    ...details,
    fallback: details.fallback,
    placeholder: words.join('|'),
    parse(value) {
      const word = words.find((candidate) => candidate === value)
      if (word === undefined) throw new Error(`'${value}' is not one of ${words.join(', ')}`)
      return word
    },
  }
}
