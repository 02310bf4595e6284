export interface BoundedMapOptions<K, V> {
  /** Total weight that may stay. */
  readonly maxWeight: number
  /** Weight of an entry, fixed while it stays; 1 when absent. */
  readonly weigh?: (value: V, key: K) => number
  /** Told of every entry that leaves, by eviction, replacement, deletion or clearing. */
  readonly onRemove?: (key: K, value: V) => void
}

/** A map that forgets what was not used for longest once its entries weigh too much. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly weight: number }>()
  readonly #options: BoundedMapOptions<K, V>
  #weight = 0

  constructor(options: BoundedMapOptions<K, V>) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** Sum of the weights of what is kept. */
  get weight(): number {
    return this.#weight
  }

  /** The value, which becomes the most recently used. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Keeps the value and evicts others as needed; one that alone weighs too much is removed at once. */
  set(key: K, value: V): void {
    this.delete(key)
    const weight = this.#options.weigh?.(value, key) ?? 1
    this.#entries.set(key, { value, weight })
    this.#weight += weight
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#options.maxWeight) return
      this.delete(oldest)
    }
  }

  delete(key: K): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#entries.delete(key)
    this.#weight -= entry.weight
    this.#options.onRemove?.(key, entry.value)
    return true
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key)
  }

  /** Keys from the least to the most recently used. */
  keys(): IterableIterator<K> {
    return this.#entries.keys()
  }
}
