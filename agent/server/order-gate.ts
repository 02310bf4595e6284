/** One step that has its place in the order; it is told apart by identity. */
export interface GateTicket {
  /** Set while the step is ready but something is ahead of it. */
  waiting: (() => void) | null
  /** Whether the step has been taken, or never will be. */
  passed: boolean
}

/** Lets steps through in the order in which they lined up, one at a time; a step that comes first runs at once. */
export class OrderGate {
  readonly #line: GateTicket[] = []
  #busy = false

  lineUp(): GateTicket {
    const ticket: GateTicket = { waiting: null, passed: false }
    this.#line.push(ticket)
    return ticket
  }

  /** Runs `step` in the ticket's turn; a promise it returns holds up those behind until it settles. */
  enter<T>(ticket: GateTicket, step: () => T | Promise<T>): Promise<T> {
    if (ticket.passed || ticket.waiting !== null) {
      return Promise.reject(new Error('A request enters the order only once'))
    }
    if (!this.#busy && this.#line[0] === ticket) return this.#run(ticket, step)
    return new Promise((resolve) => {
      ticket.waiting = () => resolve(this.#run(ticket, step))
    })
  }

  /** Gives the place up, so that those behind do not wait for it. Harmless after the step was taken. */
  leave(ticket: GateTicket): void {
    if (ticket.passed) return
    ticket.passed = true
    this.#advance()
  }

  #run<T>(ticket: GateTicket, step: () => T | Promise<T>): Promise<T> {
    this.#busy = true
    ticket.waiting = null
    let result: T | Promise<T>
    try {
      result = step()
    } catch (error) {
      this.#pass(ticket)
      return Promise.reject(error)
    }
    if (!(result instanceof Promise)) {
      this.#pass(ticket)
      return Promise.resolve(result)
    }
    const passed = () => this.#pass(ticket)
    result.then(passed, passed)
    return result
  }

  #pass(ticket: GateTicket): void {
    ticket.passed = true
    this.#busy = false
    this.#advance()
  }

  #advance(): void {
    while (!this.#busy) {
      const first = this.#line[0]
      if (first === undefined) return
      if (first.passed) this.#line.shift()
      else if (first.waiting === null) return
      else first.waiting()
    }
  }
}
