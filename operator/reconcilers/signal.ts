/** Tells listeners in the same process; nothing is kept for those who come later. */
export class Signal<T> {
  readonly #listeners: ((value: T) => void)[] = []

  subscribe(listener: (value: T) => void): void {
    this.#listeners.push(listener)
  }

  send(value: T): void {
    for (const listener of this.#listeners) listener(value)
  }
}
