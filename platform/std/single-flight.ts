/** Runs one load per key at a time: those who ask meanwhile share its outcome, success or failure. */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Promise<V>>()

  get size(): number {
    return this.#flights.size
  }

  run(key: K, load: () => Promise<V>): Promise<V> {
    const running = this.#flights.get(key)
    if (running !== undefined) return running
    const flight = started(load).finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }
}

/** A load that throws at once fails like one that fails later. */
async function started<V>(load: () => Promise<V>): Promise<V> {
  return await load()
}
