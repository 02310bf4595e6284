import { AgentError } from '../errors.ts'
import { listItems, topicConfigDefinition } from './config-validation.ts'

/** One change of a topic's config. Append and subtract are for lists only. */
export interface ConfigChange {
  readonly name: string
  readonly operation: 'set' | 'delete' | 'append' | 'subtract'
  readonly value: string
}

/**
 * The config after the changes. What a list starts from, when the topic has no value of its own, is what is in effect
 * for it.
 * @param inherited the value in effect without the topic's own
 * @throws AgentError InvalidConfig
 */
export function changeConfig(
  config: Readonly<Record<string, string>>,
  changes: readonly ConfigChange[],
  inherited: (name: string) => string,
): Record<string, string> {
  const changed = new Map(Object.entries(config))
  for (const { name, operation, value } of changes) {
    if (topicConfigDefinition(name) === undefined) {
      throw new AgentError('InvalidConfig', `Unknown topic config name: ${name.slice(0, 100)}`)
    }
    if (operation === 'set') changed.set(name, value)
    else if (operation === 'delete') changed.delete(name)
    else changed.set(name, changeList(name, operation, changed.get(name) ?? inherited(name), value))
  }
  return Object.fromEntries(changed)
}

function changeList(name: string, operation: 'append' | 'subtract', present: string, value: string): string {
  if (topicConfigDefinition(name)?.type !== 'LIST') {
    throw new AgentError(
      'InvalidConfig',
      `Config ${name} is no list: it cannot take the operation ${operation}`,
    )
  }
  const items = listItems(present)
  const given = listItems(value)
  if (operation === 'append') return [...items, ...given.filter((item) => !items.includes(item))].join(',')
  return items.filter((item) => !given.includes(item)).join(',')
}
