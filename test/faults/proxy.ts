import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Between a client and a server of this machine: connections that are late, silent, or cut when it hurts most. */
export class FaultyProxy {
  /** How long bytes of either side are held back. */
  latencyMs = 0
  /** Cuts connections so many times, after requests that contain `cutAt` were done and before their answers arrive. */
  cutsLeft = 0
  readonly #cutAt: string
  readonly #server: Server
  readonly #targetPort: number
  readonly #pairs = new Set<Pair>()
  #silent = false

  private constructor(targetPort: number, cutAt: string) {
    this.#targetPort = targetPort
    this.#cutAt = cutAt
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  /** @param cutAt text by which requests are told whose answers `cutsLeft` withholds */
  static async start(targetPort: number, cutAt: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(targetPort, cutAt)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** While silent, connections stay open and no byte passes; afterwards all that was held back does. */
  set silent(silent: boolean) {
    this.#silent = silent
    if (!silent) for (const pair of this.#pairs) pair.flow()
  }

  get silent(): boolean {
    return this.#silent
  }

  /** From now on no byte passes on the connections of this moment; new ones are well. */
  forget(): void {
    for (const pair of this.#pairs) pair.forgotten = true
  }

  cutAll(): void {
    for (const pair of this.#pairs) pair.destroy()
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cutAll()
    await closed
  }

  #accept(client: Socket): void {
    const server = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true })
    const pair = new Pair(this, client, server)
    this.#pairs.add(pair)
    client.on('data', (chunk) => {
      if (this.cutsLeft > 0 && chunk.includes(this.#cutAt)) {
        this.cutsLeft--
        pair.doomed = true
      }
      pair.pass(server, chunk)
    })
    server.on('data', (chunk) => {
      // The server answers when the work is done.
      if (pair.doomed) pair.destroy()
      else pair.pass(client, chunk)
    })
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        pair.destroy()
      })
    }
  }
}

class Pair {
  /** Cut upon the server's next byte. */
  doomed = false
  forgotten = false
  readonly #proxy: FaultyProxy
  readonly #client: Socket
  readonly #server: Socket
  readonly #held: [to: Socket, chunk: Buffer][] = []

  constructor(proxy: FaultyProxy, client: Socket, server: Socket) {
    this.#proxy = proxy
    this.#client = client
    this.#server = server
  }

  /** Timers of equal length fire in the order in which they were set, so bytes keep theirs while the latency stays. */
  pass(to: Socket, chunk: Buffer): void {
    const arrive = () => {
      this.#held.push([to, chunk])
      this.flow()
    }
    if (this.#proxy.latencyMs > 0) setTimeout(arrive, this.#proxy.latencyMs)
    else arrive()
  }

  flow(): void {
    if (this.#proxy.silent || this.forgotten) return
    for (const [to, chunk] of this.#held.splice(0)) if (!to.destroyed) to.write(chunk)
  }

  destroy(): void {
    this.#client.destroy()
    this.#server.destroy()
  }
}
