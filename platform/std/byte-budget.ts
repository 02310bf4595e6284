export interface ByteBudgetOptions {
  /** Bytes that may be held in total. */
  readonly maxBytes: number
  /** Bytes that one holder may hold. */
  readonly holderMaxBytes: number
  /** Pressure, once met, is relieved when what is held has fallen to this share of the limit; 0.8 when absent. */
  readonly reliefShare?: number
}

/** Told when its holder should stop taking more, and when it may go on. */
export interface ByteBudgetListener {
  pressure(): void
  relief(): void
}

/**
 * Counts the bytes that many holders keep in memory, each against its own limit and all against a common one. Taking
 * never fails: what has arrived is in memory already. It tells the holders to stop and to go on instead, with a gap
 * between both levels so that they don't flutter.
 */
export class ByteBudget {
  readonly #maxBytes: number
  readonly #holderMaxBytes: number
  readonly #reliefShare: number
  readonly #holders = new Set<ByteBudgetHolder>()
  #heldBytes = 0
  #pressed = false

  constructor(options: ByteBudgetOptions) {
    this.#maxBytes = options.maxBytes
    this.#holderMaxBytes = options.holderMaxBytes
    this.#reliefShare = options.reliefShare ?? 0.8
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Whether all holders together are over the limit. */
  get pressed(): boolean {
    return this.#pressed
  }

  /** A new holder. While the common limit is exceeded it starts under pressure and is told so at once. */
  open(listener: ByteBudgetListener): ByteBudgetHolder {
    const holder = new ByteBudgetHolder(
      listener,
      { maxBytes: this.#holderMaxBytes, reliefBytes: this.#holderMaxBytes * this.#reliefShare },
      (bytes) => this.#add(bytes),
      () => this.#holders.delete(holder),
    )
    this.#holders.add(holder)
    holder.pressAll(this.#pressed)
    return holder
  }

  #add(bytes: number): void {
    this.#heldBytes += bytes
    const pressed = this.#heldBytes > (this.#pressed ? this.#maxBytes * this.#reliefShare : this.#maxBytes)
    if (pressed === this.#pressed) return
    this.#pressed = pressed
    for (const holder of [...this.#holders]) holder.pressAll(pressed)
  }
}

/** One holder's account. */
export class ByteBudgetHolder {
  readonly #listener: ByteBudgetListener
  readonly #limits: { readonly maxBytes: number; readonly reliefBytes: number }
  readonly #add: (bytes: number) => void
  readonly #leave: () => void
  #heldBytes = 0
  #pressedByAll = false
  #pressedAlone = false
  #told = false
  #closed = false

  constructor(
    listener: ByteBudgetListener,
    limits: { readonly maxBytes: number; readonly reliefBytes: number },
    add: (bytes: number) => void,
    leave: () => void,
  ) {
    this.#listener = listener
    this.#limits = limits
    this.#add = add
    this.#leave = leave
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get pressed(): boolean {
    return this.#pressedAlone || this.#pressedByAll
  }

  take(bytes: number): void {
    if (!this.#closed) this.#change(bytes)
  }

  /** Gives bytes back; those of a closed holder have been given back already. */
  give(bytes: number): void {
    if (this.#closed) return
    if (bytes > this.#heldBytes) throw new Error(`${bytes} bytes given back, only ${this.#heldBytes} held`)
    this.#change(-bytes)
  }

  /** Gives everything back and hears no more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    const bytes = this.#heldBytes
    this.#heldBytes = 0
    this.#add(-bytes)
  }

  /** Called by the budget when the common pressure begins or ends. */
  pressAll(pressed: boolean): void {
    this.#pressedByAll = pressed
    this.#tell()
  }

  #change(bytes: number): void {
    const { maxBytes, reliefBytes } = this.#limits
    this.#heldBytes += bytes
    this.#pressedAlone = this.#heldBytes > (this.#pressedAlone ? reliefBytes : maxBytes)
    this.#add(bytes)
    this.#tell()
  }

  #tell(): void {
    if (this.#closed || this.pressed === this.#told) return
    this.#told = this.pressed
    if (this.#told) this.#listener.pressure()
    else this.#listener.relief()
  }
}
