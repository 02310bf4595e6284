import { expect, it } from 'vitest'
import { type Connection, type Network, NetworkError } from '../network.ts'
import { deferred } from '../std/deferred.ts'

/** Two sides of a network; `host` is the server's address for the client. */
export interface NetworkSides {
  readonly server: Network
  readonly client: Network
  readonly host: string
}

/** Collects what a connection hears. */
class Ear {
  readonly connection: Connection
  readonly closed = deferred<Error | undefined>()
  received = Buffer.alloc(0)
  drains = 0
  #waiting: { bytes: number; resolve: () => void } | undefined

  constructor(connection: Connection, answer?: (chunk: Buffer) => void) {
    this.connection = connection
    connection.handle({
      data: (chunk) => {
        this.received = Buffer.concat([this.received, chunk])
        answer?.(chunk)
        if (this.#waiting !== undefined && this.received.byteLength >= this.#waiting.bytes)
          this.#waiting.resolve()
      },
      drained: () => {
        this.drains++
      },
      closed: (error) => this.closed.resolve(error),
    })
  }

  has(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { bytes, resolve }
      if (this.received.byteLength >= bytes) resolve()
    })
  }
}

async function connected(
  sides: NetworkSides,
): Promise<{ near: Connection; far: Connection; close(): Promise<void> }> {
  const accepted = deferred<Connection>()
  const listener = await sides.server.listen({ host: '127.0.0.1', port: 0 }, (connection) =>
    accepted.resolve(connection),
  )
  const near = await sides.client.connect(sides.host, listener.port, 5_000)
  return { near, far: await accepted.promise, close: () => listener.close() }
}

async function failure(promise: Promise<unknown>): Promise<NetworkError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof NetworkError)) throw new Error(`Not a NetworkError: ${error}`)
  return error
}

/** What every Network does. `run` gives the work a fresh network and waits for it. */
export function testNetwork(run: (work: (sides: NetworkSides) => Promise<void>) => Promise<void>): void {
  it('bytes written in chunks arrive in order, in both directions', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      const echo = new Ear(far, (chunk) => far.write([chunk]))
      const ear = new Ear(near)
      near.write([Buffer.from('one '), new Uint8Array(Buffer.from('two ')), Buffer.from('three')])
      near.write([Buffer.from(' four')])
      await ear.has(18)
      expect(ear.received.toString()).toBe('one two three four')
      expect(echo.received.toString()).toBe('one two three four')
      expect([near.remotePort, far.localPort]).toEqual([far.localPort, near.remotePort])
      near.destroy()
      await close()
    }))

  it('data that comes before the handlers is kept for them', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      new Ear(near)
      near.write([Buffer.from('early')])
      const back = deferred()
      const probe = await connected(sides)
      new Ear(probe.far, () => back.resolve())
      new Ear(probe.near)
      probe.near.write([Buffer.from('x')])
      await back.promise
      const ear = new Ear(far)
      await ear.has(5)
      expect(ear.received.toString()).toBe('early')
      for (const connection of [near, probe.near]) connection.destroy()
      await Promise.all([close(), probe.close()])
    }))

  it('an end lets what is queued arrive and closes both sides without an error', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      const [nearEar, farEar] = [new Ear(near), new Ear(far)]
      const large = Buffer.alloc(3_000_000, 7)
      near.write([large])
      near.end()
      expect(await farEar.closed.promise).toBeUndefined()
      expect(await nearEar.closed.promise).toBeUndefined()
      expect(farEar.received.equals(large)).toBe(true)
      await close()
    }))

  it('a reader that pauses makes the writer wait, and resuming drains it', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      const [nearEar, farEar] = [new Ear(near), new Ear(far)]
      far.pause()
      const chunk = Buffer.alloc(256 * 1024, 1)
      let written = 0
      let goOn = true
      while (goOn && written < 64_000_000) {
        goOn = near.write([chunk])
        written += chunk.byteLength
      }
      expect(goOn).toBe(false)
      expect(nearEar.drains).toBe(0)
      far.resume()
      await farEar.has(written)
      near.end()
      await farEar.closed.promise
      expect(nearEar.drains).toBeGreaterThan(0)
      expect(farEar.received.byteLength).toBe(written)
      await close()
    }))

  it('destroy tells both sides, and nothing is heard after closed', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      const [nearEar, farEar] = [new Ear(near), new Ear(far)]
      near.destroy()
      await nearEar.closed.promise
      await farEar.closed.promise
      expect(near.write([Buffer.from('late')])).toBe(false)
      near.end()
      near.destroy()
      await close()
    }))

  it('handlers installed after the peer is gone hear of it', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      const nearEar = new Ear(near)
      near.destroy()
      await nearEar.closed.promise
      await new Ear(far).closed.promise
      await close()
    }))

  it('a port that nobody listens on is Refused, also after its listener closed', () =>
    run(async (sides) => {
      const listener = await sides.server.listen({ host: '127.0.0.1', port: 0 }, () => {})
      await listener.close()
      const error = await failure(sides.client.connect(sides.host, listener.port, 5_000))
      expect(error.code).toBe('Refused')
      expect(error.message).toContain(String(listener.port))
    }))

  it('a port that is taken is AddressInUse', () =>
    run(async (sides) => {
      const listener = await sides.server.listen({ host: '127.0.0.1', port: 0 }, () => {})
      const again = sides.server.listen({ host: '127.0.0.1', port: listener.port }, () => {})
      expect((await failure(again)).code).toBe('AddressInUse')
      await listener.close()
    }))

  it('closing a listener leaves its connections alone', () =>
    run(async (sides) => {
      const { near, far, close } = await connected(sides)
      await close()
      const ear = new Ear(far)
      new Ear(near)
      near.write([Buffer.from('still')])
      await ear.has(5)
      near.destroy()
    }))
}
