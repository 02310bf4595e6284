const nameMaxChars = 249
const legalName = /^[a-zA-Z0-9._-]+$/

/** Why no topic can have this name (Kafka's Topic.validate), or null when one can. */
export function checkTopicName(name: string): string | null {
  if (name === '') return 'Topic name is empty'
  if (name === '.' || name === '..') return `Topic name cannot be '${name}'`
  if (name.length > nameMaxChars) {
    return `Topic name of ${name.length} characters is longer than ${nameMaxChars}: '${name.slice(0, 50)}…'`
  }
  if (!legalName.test(name)) {
    return `Topic name '${name}' has characters other than ASCII letters, digits, '.', '_' and '-'`
  }
  return null
}

/** Whether a name has a character over which it may collide with another. */
export function mayCollide(name: string): boolean {
  return name.includes('.') || name.includes('_')
}

/** The first existing name that differs only in '.' and '_': metric names take one for the other. */
export function collidingName(name: string, existing: Iterable<string>): string | null {
  const unified = name.replaceAll('.', '_')
  for (const other of existing) {
    if (other !== name && other.replaceAll('.', '_') === unified) return other
  }
  return null
}
