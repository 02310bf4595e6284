import { DatabaseError } from '@streamhouse/platform/database'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemNetwork } from '@streamhouse/platform/system/network'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { produce } from '@streamhouse/proto/kafka/generated/00-produce'
import { listGroups } from '@streamhouse/proto/kafka/generated/16-list-groups'
import { apiVersions } from '@streamhouse/proto/kafka/generated/18-api-versions'
import { decodeResponseHeader, encodeRequestHeader } from '@streamhouse/proto/kafka/headers'
import { afterEach, expect, it, vi } from 'vitest'
import { nobody } from '../auth/tenant.ts'
import type { TenantStanding } from '../auth/tenant-directory.ts'
import { FrameReader } from '../server/frames.ts'
import { KafkaServer } from '../server/kafka-server.ts'
import type { AnyHandler } from './handler.ts'
import { Router } from './router.ts'

const open: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

type Handle = AnyHandler['handle']

async function serve(handle: Handle, standing: () => Promise<TenantStanding> = async () => served) {
  const log = new RecordingLog()
  const observed: number[][] = []
  const router = new Router({
    handlers: [
      {
        codec: listGroups,
        minVersion: 1,
        maxVersion: 4,
        handle,
        failure: (_request, errorCode) =>
          errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE ? null : { errorCode, groups: [] },
      },
      { codec: produce, minVersion: 3, maxVersion: 8, handle, failure: () => ({ responses: [] }) },
    ],
    tenants: { cached: () => undefined, resolve: standing },
    clock: systemClock,
    log,
    metrics: { observe: (...values) => observed.push(values) },
  })
  const server = new KafkaServer({
    network: systemNetwork,
    clock: systemClock,
    timers: systemTimers,
    log,
    router,
    tenants: { cached: () => undefined, resolve: standing },
    listeners: [{ name: 'kafka', host: '127.0.0.1', port: 0, advertisedHost: 'here', defaultTenant: 't' }],
  })
  await server.start()
  open.push(() => server.stop(100))
  return { server, log, observed, client: await connect(server.boundPort('kafka')) }
}

const served: TenantStanding = { tenant: nobody, refusal: null }

async function connect(port: number) {
  const connection = await systemNetwork.connect('127.0.0.1', port, 1_000)
  open.push(() => connection.destroy())
  const frames: Buffer[] = []
  const reader = new FrameReader(
    1_000_000,
    new BufferPool({ maxBufferBytes: 2 ** 21, maxKeptBytes: 2 ** 24 }),
  )
  let closed = false
  connection.handle({
    data(chunk) {
      reader.append(chunk)
      for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame)
    },
    drained() {},
    closed() {
      closed = true
    },
  })
  return {
    send(
      requestApiKey: number,
      requestApiVersion: number,
      body: (writer: Writer) => void,
      correlationId = 7,
    ) {
      const writer = new Writer()
      writer.beginFrame()
      encodeRequestHeader(writer, { requestApiKey, requestApiVersion, correlationId, clientId: 'test' })
      body(writer)
      connection.write(writer.finish().buffers)
    },
    frame: () =>
      vi.waitFor(() => frames.shift() ?? Promise.reject(new Error('No frame yet')), { interval: 2 }),
    closed: () => vi.waitFor(() => expect(closed).toBe(true), { interval: 2 }),
    get isClosed() {
      return closed
    },
    raw: connection,
  }
}

function bodyOf(frame: Buffer, key: number, version: number, correlationId = 7): Reader {
  const reader = new Reader(frame)
  expect(decodeResponseHeader(reader, key, version)).toBe(correlationId)
  return reader
}

it('ApiVersions lists what is registered', async () => {
  const { client } = await serve(async () => ({ groups: [] }))
  client.send(18, 3, (writer) =>
    apiVersions.encodeRequest(writer, { clientSoftwareName: 'a', clientSoftwareVersion: '1.0' }, 3),
  )
  const response = apiVersions.decodeResponse(bodyOf(await client.frame(), 18, 3), 3)
  expect(response.errorCode).toBe(ErrorCode.NONE)
  expect(response.apiKeys).toEqual([
    { apiKey: 0, minVersion: 3, maxVersion: 8 },
    { apiKey: 16, minVersion: 1, maxVersion: 4 },
    { apiKey: 18, minVersion: 0, maxVersion: 4 },
  ])
})

it.each(['', '-x', 'a b', 'x-'])('ApiVersions refuses the client name %j', async (clientSoftwareName) => {
  const { client } = await serve(async () => ({ groups: [] }))
  client.send(18, 4, (writer) =>
    apiVersions.encodeRequest(writer, { clientSoftwareName, clientSoftwareVersion: '1' }, 4),
  )
  const response = apiVersions.decodeResponse(bodyOf(await client.frame(), 18, 4), 4)
  expect(response.errorCode).toBe(ErrorCode.INVALID_REQUEST)
})

it('an unknown ApiVersions version is answered in v0 and the connection goes on', async () => {
  const { client } = await serve(async () => ({ groups: [] }))
  client.send(18, 5, () => {})
  const refused = apiVersions.decodeResponse(bodyOf(await client.frame(), 18, 0), 0)
  expect(refused).toMatchObject({
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
  })
  client.send(18, 0, (writer) => apiVersions.encodeRequest(writer, {}, 0))
  expect(apiVersions.decodeResponse(bodyOf(await client.frame(), 18, 0), 0).errorCode).toBe(0)
})

it.each([
  [16, 0],
  [16, 5],
  [16, -1],
  [999, 0],
  [-1, 0],
  [3, 1],
])('key %i version %i, which is not served, closes the connection', async (key, version) => {
  const { client, log } = await serve(async () => ({ groups: [] }))
  client.send(key, version, () => {})
  await client.closed()
  expect(log.records.filter(({ level }) => level === 'warn')).toHaveLength(1)
})

it('a body that cannot be decoded closes the connection with one line that says why', async () => {
  const { client, log } = await serve(async () => ({ groups: [] }))
  client.send(16, 4, (writer) => writer.uvarint(1_000_000))
  await client.closed()
  const warnings = log.records.filter(({ level }) => level === 'warn')
  expect(warnings).toHaveLength(1)
  expect(warnings[0]!.fields).toMatchObject({ api: 'ListGroups', apiVersion: 4, clientId: 'test' })
})

it('random frames close their connection and the server stays', async () => {
  const { server, client } = await serve(async () => ({ groups: [] }))
  for (let seed = 1; seed <= 40; seed++) {
    const victim = await connect(server.boundPort('kafka'))
    const junk = Buffer.alloc(4 + seed)
    junk.writeInt32BE(seed)
    for (let i = 4; i < junk.length; i++) junk[i] = (i * seed * 2_654_435_761) >>> 13
    victim.raw.write([junk, Buffer.from([255, 255, 255, 255])])
    await victim.closed()
  }
  client.send(18, 0, () => {})
  await client.frame()
})

it('what a handler throws becomes a code upon which clients try again, or the connection closes', async () => {
  const errors: unknown[] = [new Error('bug'), new DatabaseError('Unavailable', 'away')]
  const { client, log, observed } = await serve(async () => Promise.reject(errors.shift()))
  client.send(16, 4, (writer) => listGroups.encodeRequest(writer, {}, 4))
  const response = listGroups.decodeResponse(bodyOf(await client.frame(), 16, 4), 4)
  expect(response.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
  expect(log.records.filter(({ level }) => level === 'error')).toHaveLength(1)
  client.send(16, 4, (writer) => listGroups.encodeRequest(writer, {}, 4))
  await client.closed()
  expect(observed.map(([, , errorCode]) => errorCode)).toEqual([-1, ErrorCode.COORDINATOR_NOT_AVAILABLE])
})

it('a tenant that may not be here is refused, but may ask for the versions', async () => {
  const { client } = await serve(
    () => Promise.reject(new Error('never called')),
    async () => ({ tenant: nobody, refusal: 'Suspended' }),
  )
  client.send(16, 4, (writer) => listGroups.encodeRequest(writer, {}, 4))
  client.send(18, 0, () => {}, 8)
  const response = listGroups.decodeResponse(bodyOf(await client.frame(), 16, 4), 4)
  expect(response.errorCode).toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED)
  bodyOf(await client.frame(), 18, 0, 8)
})

it('a failed produce that wants no answer loses its connection', async () => {
  const { client } = await serve(() => Promise.reject(new DatabaseError('InDoubt', 'lost')))
  const request = { transactionalId: null, acks: 0, timeoutMs: 1, topicData: [] }
  client.send(0, 8, (writer) => produce.encodeRequest(writer, request, 8))
  await client.closed()
})

it('stopping answers what is in flight, and cuts what does not come to an end', async () => {
  let release: (value: object) => void = () => {}
  let hung: AbortSignal | null = null
  const answers: Handle[] = [
    () =>
      new Promise((resolve) => {
        release = resolve
      }),
    (_request, context) => {
      hung = context.signal
      return new Promise(() => {})
    },
  ]
  const { server, client } = await serve((request, context) => answers.shift()!(request, context))
  const other = await connect(server.boundPort('kafka'))
  client.send(16, 4, (writer) => listGroups.encodeRequest(writer, {}, 4))
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  other.send(16, 4, (writer) => listGroups.encodeRequest(writer, {}, 4))
  await vi.waitFor(() => expect(hung).not.toBeNull())
  const stopped = server.stop(300)
  release({ groups: [] })
  await client.frame()
  await stopped
  expect(hung!.aborted).toBe(true)
  expect(server.stats.connections).toBe(0)
})
