import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AgentMetrics } from '../metrics/agent-metrics.ts'
import { HealthServer } from './health-server.ts'
import { Readiness } from './readiness.ts'

const state = { listening: true, announced: true, database: true, queries: 0 }
let readiness: Readiness
let metrics: AgentMetrics
let server: HealthServer
let port: number

beforeEach(async () => {
  Object.assign(state, { listening: true, announced: true, database: true, queries: 0 })
  readiness = new Readiness({
    database: {
      async query() {
        state.queries++
        if (!state.database) throw new Error('away')
        return { rows: [], rowCount: 1 }
      },
      transaction: () => Promise.reject(new Error('not used')),
      close: async () => {},
    },
    clock: systemClock,
    timers: systemTimers,
    listening: () => state.listening,
    announced: () => state.announced,
    databaseMaxAgeMs: 0,
  })
  metrics = new AgentMetrics()
  server = new HealthServer({
    host: '127.0.0.1',
    port: 0,
    readiness,
    metrics: metrics.registry,
    log: new RecordingLog(),
  })
  port = await server.start()
})

afterEach(() => server.stop())

function get(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, body }))
    })
    request.on('error', reject)
    request.end()
  })
}

it('an agent is ready when its listeners, its row and its database are there, and says what is missing', async () => {
  expect(await get('/livez')).toEqual({ status: 200, body: 'ok\n' })
  expect(await get('/readyz?verbose')).toEqual({ status: 200, body: 'ok\n' })
  Object.assign(state, { announced: false, database: false })
  const answer = await get('/readyz')
  expect(answer.status).toBe(503)
  expect(answer.body).toContain('not announced, the metadata database')
  expect((await get('/livez')).status).toBe(200)
})

it('a draining agent is not ready', async () => {
  readiness.drain()
  expect(await get('/readyz')).toEqual({ status: 503, body: 'Not ready: the agent is draining\n' })
})

it('requests and the server’s counters are in the metrics', async () => {
  const stats = {
    connections: 2,
    accepted: 5,
    rejected: 1,
    protocolErrors: 0,
    bytesIn: 10,
    bytesOut: 20,
    requestsInFlight: 3,
  }
  metrics.watchServer({ stats, heldBytes: 7, maxHeldBytes: 9 })
  metrics.observe(0, 3, 0, 100)
  metrics.observe(3, 3, 5, 50)
  stats.accepted = 6
  const { body } = await get('/metrics')
  expect(body).toContain('streamhouse_kafka_request_duration_seconds_count{api="Produce"} 1')
  expect(body).toContain(
    'streamhouse_kafka_request_errors_total{api="Metadata",error="LEADER_NOT_AVAILABLE"} 1',
  )
  expect(body).toContain('streamhouse_kafka_connections_accepted_total 6')
  expect(body).toContain('streamhouse_kafka_held_bytes 7')
  expect((await get('/metrics')).body).toContain('streamhouse_kafka_connections_accepted_total 6')
})

it('other paths and methods are refused', async () => {
  expect((await get('/../etc/passwd')).status).toBe(404)
  expect((await get('/livez', 'POST')).status).toBe(405)
  expect(await get('/livez', 'HEAD')).toEqual({ status: 200, body: '' })
})

it.each(['\0\0\0\0garbage\r\n\r\n', `GET /livez HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`])(
  'bytes that are no request of ours close their connection only',
  async (bytes) => {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
    expect((await get('/livez')).status).toBe(200)
  },
)

it('however many ask, the database is asked once at a time', async () => {
  await Promise.all(Array.from({ length: 10 }, () => readiness.missing()))
  expect(state.queries).toBe(1)
})
