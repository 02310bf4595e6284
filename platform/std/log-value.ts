/** Names of fields whose values are never written. */
const secretName =
  /password|passphrase|secret|token|credential|authorization|cookie|private_?key|access_?key/i
/** `user:password@` of a URL, wherever it stands in a text. */
const urlPassword = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi
const depthMax = 5
const itemsMax = 50
const textMaxChars = 4_000

/** Whether the name of a field says that its value is a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

/** A value as JSON can show it: bounded in depth and size, with errors unfolded and secrets left out. */
export function toLogValue(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return shorten(value)
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'function':
    case 'symbol':
      return String(value.toString()).slice(0, 80)
    case 'object':
      return value === null ? null : fromObject(value, depth)
    default:
      return value
  }
}

function shorten(text: string): string {
  const safe = text.replace(urlPassword, '$1:***@')
  return safe.length > textMaxChars ? `${safe.slice(0, textMaxChars)}…` : safe
}

function fromObject(value: object, depth: number): unknown {
  if (value instanceof Error) return fromError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (depth >= depthMax) return '…'
  if (value instanceof Map) return fromEntries([...value].slice(0, itemsMax + 1), depth)
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value]
    const shown = items.slice(0, itemsMax).map((item) => toLogValue(item, depth + 1))
    return items.length > itemsMax ? [...shown, `… ${items.length - itemsMax} more`] : shown
  }
  return fromEntries(Object.entries(value), depth)
}

function fromEntries(
  entries: readonly (readonly [unknown, unknown])[],
  depth: number,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [key, item] of entries.slice(0, itemsMax)) {
    const name = String(key)
    shown[name] = isSecretName(name) ? '***' : toLogValue(item, depth + 1)
  }
  if (entries.length > itemsMax) shown['…'] = 'more'
  return shown
}

function fromError(error: Error, depth: number): Record<string, unknown> {
  const { code } = error as { code?: unknown }
  const shown: Record<string, unknown> = { name: error.name, message: shorten(error.message) }
  if (typeof code === 'string' || typeof code === 'number') shown.code = code
  if (depth === 0 && error.stack !== undefined) shown.stack = shorten(error.stack)
  if (error.cause !== undefined && depth < depthMax) shown.cause = toLogValue(error.cause, depth + 1)
  if (error instanceof AggregateError && depth < depthMax) {
    shown.errors = error.errors.slice(0, itemsMax).map((inner) => toLogValue(inner, depth + 1))
  }
  return shown
}
