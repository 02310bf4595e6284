import {
  TOPIC_CONFIGS,
  type TopicConfigDefinition,
  type TopicConfigType,
} from '@streamhouse/proto/kafka/generated/topic-configs'

/** Longest value of one config; Kafka's strings end at 32 KiB too. */
const valueMaxChars = 32_767

const definitions: ReadonlyMap<string, TopicConfigDefinition> = new Map(
  TOPIC_CONFIGS.map((definition) => [definition.name, definition]),
)

/** Bounds written as `[low,...,high]`, either end open, with `or x` for one value beside them. */
interface NumberRange {
  readonly min: number
  readonly max: number
  readonly also: number | null
}

const rangePattern = /^\[(-?\d+)?,?\.\.\.(?:,(-?\d+))?\](?: or (-?\d+))?$/
const replicaPattern = /^\d+:\d+$/
const integerPattern = /^[+-]?\d+$/
const decimalPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

const integerBounds: Partial<Record<TopicConfigType, readonly [bigint, bigint]>> = {
  INT: [-(2n ** 31n), 2n ** 31n - 1n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** What the topic config of this name is, or undefined when Kafka has none. */
export function topicConfigDefinition(name: string): TopicConfigDefinition | undefined {
  return definitions.get(name)
}

/** Why the value cannot be the topic's config of this name, or null when it can. */
export function checkTopicConfig(name: string, value: string): string | null {
  const definition = definitions.get(name)
  if (definition === undefined) return `Unknown topic config name: ${shown(name)}`
  if (value.length > valueMaxChars) {
    return `Value of ${name} has ${value.length} characters, more than ${valueMaxChars}`
  }
  const problem = checkType(definition, value.trim())
  return problem === null ? null : `Invalid value '${shown(value)}' for configuration ${name}: ${problem}`
}

/** Why these configs cannot be a topic's, each alone or together, or null when they can. */
export function checkTopicConfigs(config: Readonly<Record<string, string>>): string | null {
  for (const [name, value] of Object.entries(config)) {
    const problem = checkTopicConfig(name, value)
    if (problem !== null) return problem
  }
  const least = integerOf(config, 'min.compaction.lag.ms')
  const most = integerOf(config, 'max.compaction.lag.ms')
  if (least > most) {
    return `min.compaction.lag.ms (${least}) must not be larger than max.compaction.lag.ms (${most})`
  }
  if (config['remote.storage.enable']?.trim().toLowerCase() === 'true') {
    return 'remote.storage.enable cannot be set: all records are in the object store already'
  }
  return null
}

function integerOf(config: Readonly<Record<string, string>>, name: string): bigint {
  return BigInt((config[name] ?? definitions.get(name)!.default).trim())
}

function checkType(definition: TopicConfigDefinition, value: string): string | null {
  switch (definition.type) {
    case 'BOOLEAN':
      return /^(true|false)$/i.test(value) ? null : 'Must be true or false'
    case 'INT':
    case 'LONG':
      return checkInteger(definition, value)
    case 'DOUBLE':
      if (!decimalPattern.test(value)) return 'Must be a number'
      return checkRange(definition.valid, Number(value))
    case 'LIST':
      return checkList(definition, value)
    case 'STRING': {
      const allowed = namesOf(definition.valid)
      return allowed.length === 0 || allowed.includes(value) ? null : `Must be one of ${allowed.join(', ')}`
    }
  }
}

function checkInteger(definition: TopicConfigDefinition, value: string): string | null {
  const [min, max] = integerBounds[definition.type]!
  if (!integerPattern.test(value) || value.length > 20) return 'Must be a whole number'
  const number = BigInt(value.startsWith('+') ? value.slice(1) : value)
  if (number < min || number > max) return `Must be between ${min} and ${max}`
  return checkRange(definition.valid, Number(number))
}

function checkRange(valid: string, value: number): string | null {
  const range = rangeOf(valid)
  if (range === null || value === range.also || (value >= range.min && value <= range.max)) return null
  if (range.max === Number.POSITIVE_INFINITY) return `Must be at least ${range.min}`
  const also = range.also === null ? '' : ` or ${range.also}`
  return `Must be between ${range.min} and ${range.max}${also}`
}

function rangeOf(valid: string): NumberRange | null {
  const match = rangePattern.exec(valid)
  if (match === null) return null
  return {
    min: match[1] === undefined ? Number.NEGATIVE_INFINITY : Number(match[1]),
    max: match[2] === undefined ? Number.POSITIVE_INFINITY : Number(match[2]),
    also: match[3] === undefined ? null : Number(match[3]),
  }
}

function checkList(definition: TopicConfigDefinition, value: string): string | null {
  const items = listItems(value)
  if (definition.name.endsWith('.throttled.replicas')) {
    const valid = value === '*' || items.every((item) => replicaPattern.test(item))
    return valid ? null : 'Must be * or a list of partition:broker'
  }
  const allowed = namesOf(definition.valid)
  const stranger = items.find((item) => !allowed.includes(item))
  if (stranger !== undefined) return `'${shown(stranger)}' is not one of ${allowed.join(', ')}`
  return new Set(items).size === items.length ? null : 'Names a value twice'
}

/** The items of a LIST value. */
export function listItems(value: string): string[] {
  const trimmed = value.trim()
  return trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim())
}

function namesOf(valid: string): string[] {
  return valid === '' ? [] : valid.slice(1, -1).split(', ')
}

function shown(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
