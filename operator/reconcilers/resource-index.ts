import type { ResourceDefinition } from '../resources/definition.ts'
import { keyText, parseKey, type Resource, type ResourceKey } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'

/** Finds the resources of a kind by something they say, without looking at all of them. */
export class ResourceIndex<R extends Resource> {
  readonly #source: ResourceSource
  readonly #definition: ResourceDefinition
  readonly #labelOf: (resource: R) => string
  readonly #byLabel = new Map<string, Set<string>>()
  readonly #labels = new Map<string, string>()

  /** Has to be made before the source is started. */
  constructor(source: ResourceSource, definition: ResourceDefinition, labelOf: (resource: R) => string) {
    this.#source = source
    this.#definition = definition
    this.#labelOf = labelOf
    source.subscribe(definition, ({ key }) => this.#update(key))
  }

  /** The resources with this label, as they are now. */
  *find(label: string): Iterable<R> {
    for (const key of this.#byLabel.get(label) ?? []) {
      const resource = this.#source.get(this.#definition, parseKey(key))
      if (resource !== null) yield resource as R
    }
  }

  #update(key: ResourceKey): void {
    const text = keyText(key)
    const resource = this.#source.get(this.#definition, key)
    const before = this.#labels.get(text)
    const after = resource === null ? undefined : this.#labelOf(resource as R)
    if (before === after) return
    if (before !== undefined) {
      const keys = this.#byLabel.get(before)
      keys?.delete(text)
      if (keys?.size === 0) this.#byLabel.delete(before)
    }
    if (after === undefined) {
      this.#labels.delete(text)
      return
    }
    this.#labels.set(text, after)
    const keys = this.#byLabel.get(after) ?? new Set()
    this.#byLabel.set(after, keys.add(text))
  }
}
