import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type S3Server, startS3 } from '@streamhouse/test/servers/s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { testObjectStore } from '../contract/object-store.ts'
import { systemRandom } from './random.ts'
import { S3ObjectStore, type S3ObjectStoreOptions } from './s3-object-store.ts'
import { systemTimers } from './timers.ts'

const server: S3Server | null = await startS3()
afterAll(() => server?.stop())

function open(options: Partial<S3ObjectStoreOptions>): S3ObjectStore {
  return new S3ObjectStore({
    bucket: 'streamhouse',
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'streamhouse', secretAccessKey: 'streamhouse-secret' },
    timers: systemTimers,
    random: systemRandom,
    ...options,
  })
}

describe.skipIf(server === null)('S3ObjectStore on versitygw', { timeout: 60_000 }, () => {
  let store: S3ObjectStore
  let tests = 0
  beforeAll(() => {
    store = open({ endpoint: server!.endpoint, prefix: '/some/where/' })
  })
  afterAll(() => store.close())

  testObjectStore(() => ({ store, prefix: `t${tests++}/` }))

  it('a prefix keeps stores apart, and foreign keys are not listed', async () => {
    const whole = open({ endpoint: server!.endpoint })
    const inner = open({ endpoint: server!.endpoint, prefix: 'apart' })
    await inner.put('x', [Buffer.from('1')])
    expect((await whole.get('apart/x')).toString()).toBe('1')
    expect((await inner.list('', { limit: 10 })).objects.map((object) => object.key)).toEqual(['x'])
    expect(await whole.head('x')).toBeNull()
  })

  it('a bucket that does not exist is Denied, not a missing object', async () => {
    const lost = open({ endpoint: server!.endpoint, bucket: 'nowhere-at-all' })
    await expect(lost.get('x')).rejects.toMatchObject({ code: 'Denied' })
    await expect(lost.list('', { limit: 1 })).rejects.toThrow(/create the bucket/)
  })

  it('a wrong secret is Denied at once, and the secret is not in the message', async () => {
    const credentials = { accessKeyId: 'streamhouse', secretAccessKey: 'hunter2' }
    const error = await open({ endpoint: server!.endpoint, credentials })
      .get('x')
      .catch((reason) => reason)
    expect(error).toMatchObject({ code: 'Denied' })
    expect(String(error.message)).not.toContain('hunter2')
  })
})

/** A server of scripted answers: the faults that a real one does not show on demand. */
describe('S3ObjectStore against faults', { timeout: 20_000 }, () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void
  let http: Server
  let requests: string[] = []
  let answers: Answer[] = []

  afterEach(
    () =>
      new Promise((resolve) => {
        http.closeAllConnections()
        http.close(resolve)
      }),
  )

  async function scripted(
    script: Answer[],
    options: Partial<S3ObjectStoreOptions> = {},
  ): Promise<S3ObjectStore> {
    requests = []
    answers = script
    http = createServer((request, response) => {
      request.on('error', () => {})
      request.resume()
      request.on('end', () => {
        requests.push(request.method ?? '')
        const answer = answers.shift()
        if (answer === undefined) response.writeHead(500).end()
        else answer(request, response)
      })
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    return open({ endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, ...options })
  }

  const status =
    (code: number, name = ''): Answer =>
    (_request, response) => {
      const xml =
        name === '' ? '' : `<?xml version="1.0"?><Error><Code>${name}</Code><Message>no</Message></Error>`
      response.writeHead(code, { 'content-type': 'application/xml' }).end(xml)
    }
  const body =
    (text: string, headers: Record<string, string> = {}): Answer =>
    (_request, response) => {
      response
        .writeHead(headers['content-range'] ? 206 : 200, {
          'content-length': String(text.length),
          ...headers,
        })
        .end(text)
    }
  const cut: Answer = (_request, response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.write('123')
    setTimeout(() => response.destroy(), 20)
  }

  it('errors that pass are tried again', async () => {
    const store = await scripted([
      status(500, 'InternalError'),
      status(503, 'ServiceUnavailable'),
      cut,
      body('0123456789'),
    ])
    expect((await store.get('k')).toString()).toBe('0123456789')
    expect(requests).toHaveLength(4)
  })

  it('SlowDown is Throttled once the tries are used up', async () => {
    const store = await scripted([status(503, 'SlowDown'), status(503, 'SlowDown')], { attemptsMax: 2 })
    await expect(store.get('k')).rejects.toMatchObject({ code: 'Throttled', retryable: true })
    expect(requests).toHaveLength(2)
  })

  it('a body that is always cut is Unavailable, never short', async () => {
    const store = await scripted([cut, cut], { attemptsMax: 2 })
    await expect(store.get('k')).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('fewer bytes than the range are Corrupt, with the size of the object', async () => {
    const store = await scripted([body('34', { 'content-range': 'bytes 3-4/5' })])
    await expect(store.get('k', { start: 3, end: 9 })).rejects.toThrow(/has only 5 bytes/)
    expect(requests).toHaveLength(1)
  })

  it('bytes that do not match their checksum are Corrupt', async () => {
    const store = await scripted([body('0123456789', { 'x-amz-checksum-crc32': 'AAAAAA==' })])
    await expect(store.get('k')).rejects.toMatchObject({ code: 'Corrupt' })
  })

  it('a put whose first reply was lost finds its own bytes and succeeds', async () => {
    const lost: Answer = (request) => request.socket.destroy()
    const head: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '5', 'x-amz-checksum-crc32': 'NhCmhg==' }).end()
    }
    const store = await scripted([lost, status(412, 'PreconditionFailed'), head])
    await store.put('k', [Buffer.from('hello')])
    expect(requests).toEqual(['PUT', 'PUT', 'HEAD'])
  })

  it('a put is conditional, carries its checksum and does not hash or announce its body', async () => {
    let headers: IncomingMessage['headers'] = {}
    const note: Answer = (request, response) => {
      headers = request.headers
      response.writeHead(200).end()
    }
    const store = await scripted([note])
    await store.put('k', [Buffer.alloc(3_000_000)])
    expect(headers).toMatchObject({
      'if-none-match': '*',
      'content-length': '3000000',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-checksum-crc32': expect.stringMatching(/^.{6}==$/),
    })
    expect(headers.expect).toBeUndefined()
    expect(headers.authorization).toContain('x-amz-checksum-crc32')
  })

  it('a server that does not answer is Unavailable after its time', async () => {
    const silent: Answer = () => {}
    const store = await scripted([silent], { attemptsMax: 1, requestTimeoutMs: 150 })
    await expect(store.put('k', [])).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('keys that could not be deleted are named, with the reason', async () => {
    const xml = `<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>
      <Error><Key>c</Key><Code>SlowDown</Code><Message>later</Message></Error>
      <Error><Key>d</Key><Code>NoSuchKey</Code><Message>gone</Message></Error></DeleteResult>`
    const store = await scripted([body(xml, { 'content-type': 'application/xml' })])
    const failed = await store.delete(['a', 'b', 'c', 'd'])
    expect(failed.map(({ key, error }) => [key, error.code])).toEqual([
      ['b', 'Denied'],
      ['c', 'Throttled'],
    ])
  })

  it('a host that refuses is Unavailable', async () => {
    await scripted([])
    const store = open({ endpoint: 'http://127.0.0.1:1', attemptsMax: 2 })
    await expect(store.head('k')).rejects.toMatchObject({ code: 'Unavailable' })
  })
})
