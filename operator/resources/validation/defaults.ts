import type { Schema } from '../definition.ts'

/** A copy of the value in which fields that are absent have their defaults, as the API server would fill them in. */
export function applyDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : value.map((item) => applyDefaults(items, item))
  }
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, unknown> = { ...value }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    // A null counts as absent where there is a default.
    const present = Object.hasOwn(result, name) && (result[name] !== null || child.default === undefined)
    if (!present && child.default === undefined) continue
    result[name] = applyDefaults(child, present ? result[name] : structuredClone(child.default))
  }
  return result
}
