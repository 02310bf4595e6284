import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { fixedRandom } from '@streamhouse/test/kubernetes/manual-time'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HttpsApi } from './https-api.ts'
import { type KubernetesObject, Reflector, type ReflectorOptions } from './reflector.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void

let server: Server
let calls: URL[]
/** One answer for each call; the last one answers all further calls. */
let script: Handler[]

beforeEach(async () => {
  calls = []
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x')
    calls.push(url)
    const handler = script.length > 1 ? script.shift() : script[0]
    handler?.(request, response, url)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const thing = (name: string, version: number): KubernetesObject => ({
  metadata: {
    ...{ name, namespace: 'ns', uid: `uid-${name}`, generation: 1 },
    ...{ resourceVersion: String(version), creationTimestamp: '2026-01-01T00:00:00Z' },
  },
})
const list =
  (version: number, items: KubernetesObject[], next?: string): Handler =>
  (_, response) =>
    response.end(JSON.stringify({ metadata: { resourceVersion: String(version), continue: next }, items }))
const watch =
  (lines: unknown[], ending: 'open' | 'end' | 'cut' = 'open'): Handler =>
  (_, response) => {
    response.writeHead(200)
    for (const line of lines) response.write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)
    if (ending === 'end') response.end()
    if (ending === 'cut') setTimeout(() => response.destroy(), 20)
  }
const refuse =
  (status: number, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end(JSON.stringify({ kind: 'Status', code: status, message: 'no' }))

interface Run {
  readonly reflector: Reflector<KubernetesObject>
  readonly changes: string[]
  readonly restarts: string[]
  missed: number
  stop(): Promise<void>
}

function start(options: Partial<ReflectorOptions<KubernetesObject>> = {}, silenceMs = 5_000): Run {
  const system = { clock: systemClock, timers: systemTimers, random: { ...fixedRandom, fraction: () => 0 } }
  const address = server.address() as AddressInfo
  const api = new HttpsApi({
    ...{ server: `http://127.0.0.1:${address.port}`, authorize: async () => {}, ...system },
    ...{ requestTimeoutMs: silenceMs, streamTimeoutMs: silenceMs },
  })
  const stopping = new AbortController()
  const run = { changes: [] as string[], restarts: [] as string[], missed: 0 }
  const reflector = new Reflector<KubernetesObject>({
    ...{ api, path: '/apis/g/v1/things', pageSize: 2, ...system, ...options },
    observer: {
      watchRestarted: (reason, message) => run.restarts.push(`${reason}: ${message}`),
      eventSeen: () => {},
      missed: (count) => {
        run.missed += count
      },
    },
    changed: (before, after, initial) => {
      const what = before === null ? 'added' : after === null ? 'removed' : 'changed'
      run.changes.push(`${what} ${(after ?? before)?.metadata.name}${initial ? ' at first' : ''}`)
    },
  })
  const done = reflector.run(stopping.signal, () => {})
  const stop = (): Promise<void> => {
    stopping.abort(new Error('stopped'))
    return done
  }
  return Object.assign(run, { reflector, stop })
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 600; turn++) {
    if (isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('It did not happen within 6 s')
}

const names = (run: Run): string[] => [...run.reflector.values()].map(({ metadata }) => metadata.name).sort()

describe('Reflector', () => {
  test('pages of a list are read to the end, and the watch goes on from its version', async () => {
    script = [
      list(10, [thing('a', 1), thing('b', 2)], 'more'),
      list(10, [thing('c', 3)]),
      watch([{ type: 'ADDED', object: thing('d', 11) }]),
    ]
    const run = start()
    await until(() => names(run).length === 4)
    expect(calls[1]?.searchParams.get('continue')).toBe('more')
    expect(calls[2]?.searchParams.get('resourceVersion')).toBe('10')
    expect(calls[2]?.searchParams.get('allowWatchBookmarks')).toBe('true')
    expect(run.changes).toEqual(['added a at first', 'added b at first', 'added c at first', 'added d'])
    await run.stop()
  })

  test('a watch that ends is begun again from the last version seen, bookmarks included', async () => {
    script = [
      list(10, [thing('a', 1)]),
      watch(
        [
          { type: 'MODIFIED', object: thing('a', 12) },
          { type: 'BOOKMARK', object: thing('', 20) },
        ],
        'end',
      ),
      watch([{ type: 'DELETED', object: thing('a', 21) }]),
    ]
    const run = start()
    await until(() => names(run).length === 0 && calls.length === 3)
    expect(calls[2]?.searchParams.get('resourceVersion')).toBe('20')
    expect(run.changes).toEqual(['added a at first', 'changed a', 'removed a'])
    await run.stop()
  })

  test.each([
    ['as an answer', refuse(410)],
    ['as an event', watch([{ type: 'ERROR', object: { code: 410, message: 'too old' } }])],
  ])('an expired version, told %s, leads to a new list that finds what was missed', async (_, expired) => {
    script = [
      list(10, [thing('a', 1), thing('b', 2)]),
      expired,
      list(30, [thing('b', 25), thing('c', 26)]),
      watch([]),
    ]
    const run = start()
    await until(() => calls.length === 4)
    expect(names(run)).toEqual(['b', 'c'])
    expect(run.changes.slice(2)).toEqual(['removed a', 'changed b', 'added c'])
    expect(run.restarts[0]).toMatch(/^expired/)
    await run.stop()
  })

  test.each([
    [
      'cut in the middle of a line',
      watch([{ type: 'ADDED', object: thing('b', 11) }, '{"type":"ADDED","obj'], 'cut'),
    ],
    [
      'ended in the middle of a line',
      watch([{ type: 'ADDED', object: thing('b', 11) }, '{"type":"ADDED","obj'], 'end'),
    ],
    ['followed by something that is no JSON', watch([{ type: 'ADDED', object: thing('b', 11) }, '<html>\n'])],
  ])('a watch %s loses nothing', async (_, broken) => {
    script = [list(10, [thing('a', 1)]), broken, watch([{ type: 'ADDED', object: thing('c', 12) }])]
    const run = start()
    await until(() => names(run).length === 3)
    expect(calls[2]?.searchParams.get('resourceVersion')).toBe('11')
    await run.stop()
  })

  test('a connection that is half open is noticed by its silence', async () => {
    script = [list(10, []), watch([]), watch([{ type: 'ADDED', object: thing('a', 11) }])]
    const run = start({}, 200)
    await until(() => names(run).length === 1)
    expect(run.restarts[0]).toContain('silent for 200 ms')
    await run.stop()
  })

  test('a server that asks to come back later is left alone until then', async () => {
    script = [refuse(429, { 'retry-after': '1' }), list(10, [thing('a', 1)]), watch([])]
    const startedMs = performance.now()
    const run = start()
    await until(() => run.reflector.synced)
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(990)
    await run.stop()
  })

  test('failures that go on are tried again less and less often', async () => {
    script = [refuse(500)]
    const run = start()
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(calls.length).toBeGreaterThanOrEqual(3)
    expect(calls.length).toBeLessThanOrEqual(4)
    await run.stop()
  })

  test('what a watch failed to bring is found by the safety list, and counted', async () => {
    script = [
      list(10, [thing('a', 1), thing('b', 2)]),
      watch([]),
      list(30, [thing('a', 25), thing('c', 26)]),
      list(30, [thing('a', 25), thing('c', 26)]),
    ]
    const run = start({ relistIntervalMs: 150, missGraceMs: 50 })
    await until(() => run.missed > 0)
    expect(names(run)).toEqual(['a', 'c'])
    expect(run.missed).toBe(3)
    await run.stop()
  })

  test('the answer to a write is kept, and an older event does not undo it', async () => {
    let push = (_: unknown): void => {}
    script = [
      list(10, [thing('a', 1)]),
      (_, response) => {
        response.writeHead(200)
        push = (event) => void response.write(`${JSON.stringify(event)}\n`)
        push({ type: 'BOOKMARK', object: thing('', 10) })
      },
    ]
    const run = start()
    await until(() => calls.length === 2)
    run.reflector.learn(thing('a', 15))
    push({ type: 'MODIFIED', object: thing('a', 12) })
    push({ type: 'ADDED', object: thing('b', 16) })
    await until(() => names(run).length === 2)
    expect(run.reflector.get('ns', 'a')?.metadata.resourceVersion).toBe('15')
    run.reflector.learn(thing('gone', 17))
    expect(names(run)).toEqual(['a', 'b'])
    await run.stop()
  })
})
