import type { Connection, ConnectionHandlers } from '@streamhouse/platform/network'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import { ByteBudget } from '@streamhouse/platform/std/byte-budget'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { expect, it } from 'vitest'
import { ClientConnection, type ServerStats } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { defaultServerLimits, type ServerLimits } from './limits.ts'

/** The near end of a connection whose far end is the test. */
class TestTransport implements Connection {
  readonly remoteAddress = '10.0.0.1'
  readonly remotePort = 1
  readonly localAddress = '10.0.0.2'
  readonly localPort = 2
  handlers!: ConnectionHandlers
  sent = ''
  paused = false
  ended = false
  destroyed = false
  accepts = true

  handle(handlers: ConnectionHandlers): void {
    this.handlers = handlers
  }
  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.sent += Buffer.from(chunk).toString()
    return this.accepts
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  end(): void {
    this.ended = true
  }
  destroy(): void {
    this.destroyed = true
  }
}

function setUp(limits: Partial<ServerLimits> = {}) {
  const all = { ...defaultServerLimits, ...limits }
  const budget = new ByteBudget({ maxBytes: all.maxTotalBytes, holderMaxBytes: all.maxConnectionBytes })
  const stats: ServerStats = {
    connections: 0,
    accepted: 0,
    rejected: 0,
    protocolErrors: 0,
    bytesIn: 0,
    bytesOut: 0,
    requestsInFlight: 0,
  }
  const log = new RecordingLog()
  const clock = { now: 0, nowMs: () => 0, monotonicMs: () => clock.now }
  const open = () => {
    const transport = new TestTransport()
    const started: { text: string; exchange: Exchange }[] = []
    let closed = 0
    const connection = new ClientConnection({
      transport,
      router: { start: (frame, exchange) => started.push({ text: frame.toString(), exchange }) },
      budget,
      frames: new BufferPool({ maxBufferBytes: 2 ** 21, maxKeptBytes: 2 ** 24 }),
      limits: all,
      clock,
      log,
      stats,
      listenerName: 'kafka',
      tenantId: 't',
      closed: () => closed++,
    })
    connection.open()
    return { transport, started, connection, closed: () => closed }
  }
  return { budget, stats, log, clock, open, ...open() }
}

function frames(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const body = Buffer.from(text)
      const frame = Buffer.alloc(4 + body.length)
      frame.writeInt32BE(body.length)
      body.copy(frame, 4)
      return frame
    }),
  )
}

function reply(text: string) {
  const writer = new Writer()
  writer.raw(Buffer.from(text))
  return writer.finish()
}

it('replies leave in the order of the requests, whatever order they are made in', () => {
  const { transport, started, stats, budget } = setUp()
  transport.handlers.data(frames('a', 'b', 'c', 'd'))
  expect(started.map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd'])
  const [a, b, c, d] = started.map(({ exchange }) => exchange)
  c!.answer(reply('C'))
  b!.answer(null)
  expect(transport.sent).toBe('')
  a!.answer(reply('A'))
  expect(transport.sent).toBe('AC')
  d!.answer(reply('D'))
  d!.answer(reply('again'))
  expect(transport.sent).toBe('ACD')
  expect(stats.requestsInFlight).toBe(0)
  expect(budget.heldBytes).toBe(0)
})

it('no more requests start than may be in flight, and the socket is paused meanwhile', () => {
  const { transport, started } = setUp({ maxInFlightPerConnection: 3 })
  transport.handlers.data(frames('1', '2', '3', '4', '5'))
  expect(started).toHaveLength(3)
  expect(transport.paused).toBe(true)
  started[1]!.exchange.answer(reply('2'))
  expect(started).toHaveLength(3)
  started[0]!.exchange.answer(reply('1'))
  expect(started).toHaveLength(5)
  expect(transport.sent).toBe('12')
  started[2]!.exchange.answer(reply('3'))
  expect(transport.paused).toBe(false)
})

it('bytes over the connection budget pause it until they are given back', () => {
  const { transport, started, budget } = setUp({ maxConnectionBytes: 100 })
  transport.handlers.data(frames('x'.repeat(60)))
  expect(transport.paused).toBe(false)
  transport.handlers.data(frames('y'.repeat(60)))
  expect(started).toHaveLength(1)
  expect(transport.paused).toBe(true)
  started[0]!.exchange.answer(reply('x'))
  expect(started).toHaveLength(2)
  started[1]!.exchange.answer(reply('y'))
  expect(transport.paused).toBe(false)
  expect(budget.heldBytes).toBe(0)
})

it('the common budget holds other connections back, and a frame that has begun still comes to its end', () => {
  const world = setUp({ maxTotalBytes: 100, maxConnectionBytes: 1_000 })
  const other = world.open()
  other.transport.handlers.data(frames('z'.repeat(50)).subarray(0, 30))
  world.transport.handlers.data(frames('x'.repeat(90)))
  expect(world.transport.paused).toBe(true)
  expect(other.transport.paused).toBe(false)
  const idle = world.open()
  idle.transport.handlers.data(frames('early'))
  expect(idle.started).toHaveLength(1)
  idle.started[0]!.exchange.answer(reply('!'))
  expect(idle.transport.paused).toBe(true)
  other.transport.handlers.data(frames('z'.repeat(50)).subarray(30))
  expect(other.started).toHaveLength(1)
  world.started[0]!.exchange.answer(reply('x'))
  other.started[0]!.exchange.answer(reply('z'))
  expect([world.transport.paused, other.transport.paused, idle.transport.paused]).toEqual([
    false,
    false,
    false,
  ])
  expect(world.budget.heldBytes).toBe(0)
})

it('a client that does not read its replies is not read from, and is cut after a while', () => {
  const { transport, started, connection, clock, budget } = setUp({ maxBlockedWriteMs: 1_000 })
  transport.accepts = false
  transport.handlers.data(frames('a', 'b'))
  started[0]!.exchange.answer(reply('A'.repeat(10)))
  transport.handlers.data(frames('c'))
  expect(transport.paused).toBe(true)
  expect(started).toHaveLength(2)
  transport.handlers.drained()
  expect(started).toHaveLength(3)
  started[1]!.exchange.answer(reply('B'))
  clock.now = 5_000
  connection.sweep(clock.now)
  expect(transport.destroyed).toBe(true)
  started[2]!.exchange.answer(reply('C'))
  expect(budget.heldBytes).toBe(0)
})

it('a client that reads a large reply slowly is not cut, and its connection ends only behind all of it', () => {
  const { transport, started, connection, clock, budget } = setUp({ maxBlockedWriteMs: 1_000 })
  const large = 'A'.repeat(2.5 * 1024 * 1024)
  transport.accepts = false
  transport.handlers.data(frames('a'))
  connection.drain()
  started[0]!.exchange.answer(reply(large))
  const sent: number[] = [transport.sent.length]
  for (let portion = 0; portion < 2; portion++) {
    expect(transport.ended).toBe(false)
    expect(budget.heldBytes).toBe(large.length - portion * 1024 * 1024)
    clock.now += 900
    connection.sweep(clock.now)
    expect(connection.stalledBytes(clock.now, 1_000)).toBe(0)
    transport.handlers.drained()
    sent.push(transport.sent.length)
  }
  expect(sent).toEqual([1_048_576, 2_097_152, large.length])
  expect(transport.destroyed).toBe(false)
  expect(transport.ended).toBe(true)
  transport.handlers.drained()
  expect(budget.heldBytes).toBe(0)
})

it('what is kept for clients that do not move is known: replies unread and requests unfinished', () => {
  const world = setUp()
  const [reader, writer, moving] = [world.open(), world.open(), world.open()]
  const stalled = () => [reader, writer, moving].map((c) => c.connection.stalledBytes(world.clock.now, 1_000))
  reader.transport.accepts = false
  reader.transport.handlers.data(frames('a'))
  reader.started[0]!.exchange.answer(reply('A'.repeat(70)))
  for (const { transport } of [writer, moving]) transport.handlers.data(frames('half').subarray(0, 6))
  expect(stalled()).toEqual([0, 0, 0])
  world.clock.now = 900
  moving.transport.handlers.data(Buffer.from('l'))
  world.clock.now = 1_100
  expect(stalled()).toEqual([70, 6, 0])
  // A byte now and then is not enough for ever.
  for (; world.clock.now < 11_000; world.clock.now += 900) moving.transport.handlers.data(Buffer.alloc(0))
  expect(stalled()[2]).toBe(7)
})

it('at twice the common budget those are cut that hold more than most, not a bystander', () => {
  const world = setUp({ maxTotalBytes: 100, maxConnectionBytes: 1_000 })
  const [large, small] = [world.open(), world.open()]
  world.stats.connections = 2
  large.transport.handlers.data(frames('z'.repeat(500)).subarray(0, 190))
  small.transport.handlers.data(frames('request').subarray(0, 9))
  small.transport.handlers.data(frames('request').subarray(9))
  expect([small.started.length, small.transport.destroyed]).toEqual([1, false])
  large.transport.handlers.data(Buffer.alloc(20))
  expect(large.transport.destroyed).toBe(true)
})

it('a closed connection aborts its handlers, drops their replies and gives its bytes back', () => {
  const { transport, started, closed, budget, stats } = setUp()
  transport.handlers.data(frames('a', 'b'))
  transport.handlers.data(frames('half').subarray(0, 5))
  const { signal } = started[0]!.exchange
  expect(signal.aborted).toBe(false)
  transport.handlers.closed()
  expect(signal.aborted).toBe(true)
  expect(started[1]!.exchange.signal.aborted).toBe(true)
  expect(closed()).toBe(1)
  started[0]!.exchange.answer(reply('A'))
  started[1]!.exchange.answer(reply('B'))
  expect(transport.sent).toBe('')
  expect([budget.heldBytes, stats.requestsInFlight]).toEqual([0, 0])
})

it('an absurd length closes the connection with one line in the log', () => {
  const { transport, log, stats } = setUp()
  transport.handlers.data(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  expect(transport.destroyed).toBe(true)
  expect(log.records.filter(({ level }) => level === 'warn')).toHaveLength(1)
  expect(stats.protocolErrors).toBe(1)
})

it('idle connections and requests that stop halfway are closed, waiting ones are not', () => {
  const limits = { maxIdleMs: 10_000, maxStalledFrameMs: 1_000 }
  const idle = setUp(limits)
  const waiting = idle.open()
  const halfway = idle.open()
  waiting.transport.handlers.data(frames('long poll'))
  halfway.transport.handlers.data(frames('half').subarray(0, 6))
  for (const now of [900, 1_100, 10_100]) {
    idle.clock.now = now
    for (const { connection } of [idle, waiting, halfway]) connection.sweep(now)
    if (now === 1_100) expect([idle, halfway].map((c) => c.transport.destroyed)).toEqual([false, true])
  }
  expect([idle, waiting].map((c) => c.transport.destroyed)).toEqual([true, false])
})

it('a draining connection starts nothing new and ends after its last reply', () => {
  const { transport, started, connection } = setUp()
  transport.handlers.data(frames('a'))
  connection.drain()
  transport.handlers.data(frames('b'))
  expect(started).toHaveLength(1)
  expect(transport.ended).toBe(false)
  started[0]!.exchange.answer(reply('A'))
  expect(transport.sent).toBe('A')
  expect(transport.ended).toBe(true)
})

it('ordered requests enter one after the other and do not wait for those that do not', async () => {
  const { transport, started } = setUp()
  transport.handlers.data(frames('poll', 'p1', 'p2', 'p3'))
  const [, p1, p2, p3] = started.map(({ exchange }) => exchange)
  for (const exchange of [p1, p2, p3]) exchange!.lineUp()
  const heard: string[] = []
  const third = p3!.inOrder(() => heard.push('3'))
  const second = p2!.inOrder(() => heard.push('2'))
  expect(heard).toEqual([])
  p1!.answer(null)
  await Promise.all([second, third])
  expect(heard).toEqual(['2', '3'])
})
