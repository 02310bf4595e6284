import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HttpsApi } from './https-api.ts'

let server: Server
let api: HttpsApi
let answer: (response: ServerResponse, body: string) => void

beforeEach(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () =>
      answer(response, `${request.method} ${request.url} ${request.headers['x-token']} ${body}`),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  api = new HttpsApi({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/proxy/`,
    authorize: async (options) => {
      options.headers = { ...options.headers, 'x-token': 'secret' } as Record<string, string>
    },
    ...{ clock: systemClock, timers: systemTimers, requestTimeoutMs: 200, streamTimeoutMs: 200 },
  })
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

describe('HttpsApi', () => {
  test('a call carries credentials, query and body, below the path of the server', async () => {
    answer = (response, got) => response.end(JSON.stringify({ got }))
    const call = { method: 'PATCH', path: '/apis/x', query: { a: 'b&c' }, body: { d: 1 } } as const
    expect(await api.request(call)).toEqual({ got: 'PATCH /proxy/apis/x?a=b%26c secret {"d":1}' })
  })

  test.each([
    [404, 'NotFound'],
    [409, 'Stale'],
    [410, 'Gone'],
    [403, 'Forbidden'],
    [401, 'Forbidden'],
    [422, 'Invalid'],
    [503, 'Unavailable'],
    [302, 'Unavailable'],
  ])('%i is %s, with the message of the server and nothing of ours', async (status, code) => {
    answer = (response) => response.writeHead(status).end(JSON.stringify({ message: 'no such luck' }))
    const failed = api.request({ method: 'GET', path: '/x' })
    await expect(failed).rejects.toMatchObject({ code, message: `GET /x answered ${status}: no such luck` })
  })

  test('a failed test of a JSON patch means that the resource changed', async () => {
    const message =
      'the server rejected our request due to an error in our request: testing path /metadata failed'
    answer = (response) => response.writeHead(422).end(JSON.stringify({ message }))
    await expect(api.request({ method: 'PATCH', path: '/x' })).rejects.toMatchObject({ code: 'Stale' })
  })

  test.each([
    ['3', 3_000],
    ['99999', 60_000],
    ['soon', undefined],
  ])('Retry-After: %s asks for %s ms', async (retryAfter, retryAfterMs) => {
    answer = (response) => response.writeHead(429, { 'retry-after': retryAfter }).end('slow down')
    await expect(api.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'Throttled',
      retryAfterMs,
    })
  })

  test('silence before and in the middle of an answer, a cut and broken JSON are Unavailable', async () => {
    const failures: ((response: ServerResponse) => void)[] = [
      () => {},
      (response) => void response.writeHead(200).write('{'),
      (response) => response.destroy(),
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{')
        setTimeout(() => response.destroy(), 20)
      },
      (response) => response.end('{"a":'),
    ]
    for (const failure of failures) {
      answer = failure
      await expect(api.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({ code: 'Unavailable' })
    }
  })

  test('an abort ends the call with its reason', async () => {
    answer = () => {}
    const stopping = new AbortController()
    const failed = api.request({ method: 'GET', path: '/x', signal: stopping.signal })
    setTimeout(() => stopping.abort(new Error('stopped')), 20)
    await expect(failed).rejects.toThrow('stopped')
    await expect(api.request({ method: 'GET', path: '/x', signal: stopping.signal })).rejects.toThrow(
      'stopped',
    )
  })

  test('lines of a stream come whole, however they were cut in transit', async () => {
    answer = (response) => {
      const bytes = Buffer.from('{"a":"é"}\n{"b":1}\n')
      response.writeHead(200)
      for (const [at, byte] of bytes.entries()) setTimeout(() => response.write(Buffer.of(byte)), at * 2)
      setTimeout(() => response.end(), bytes.length * 2 + 20)
    }
    const lines: string[] = []
    for await (const line of api.stream({ method: 'GET', path: '/x' })) lines.push(line)
    expect(lines).toEqual(['{"a":"é"}', '{"b":1}'])
  })
})
