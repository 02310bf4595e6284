import { expect, it } from 'vitest'
import type { LogLevel } from '../log.ts'
import { JsonLog } from './json-log.ts'

const clock = { nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678), monotonicMs: () => 0 }

function collect(format: 'json' | 'text', level: LogLevel = 'debug'): { log: JsonLog; lines: string[] } {
  const lines: string[] = []
  return { log: new JsonLog({ level, format, clock, stream: { write: (text) => lines.push(text) } }), lines }
}

it('a JSON line holds time, level, message and the fields of its ancestors', () => {
  const { log, lines } = collect('json')
  log.child({ agent: 'a-0' }).child({ tenant: 't' }).warn('Upload was slow', { elapsedMs: 12.5, offset: 7n })
  expect(lines).toEqual([
    '{"time":"2026-01-02T03:04:05.678Z","level":"warn","message":"Upload was slow","agent":"a-0","tenant":"t","elapsedMs":12.5,"offset":7}\n',
  ])
})

it('messages below the level are not written', () => {
  const { log, lines } = collect('json', 'warn')
  log.debug('d')
  log.info('i')
  log.warn('w')
  log.error('e')
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(['w', 'e'])
})

it('secrets are starred and a field cannot overwrite the level', () => {
  const { log, lines } = collect('json')
  log.info('Configured', { password: 'hunter2', sasl_password: 'hunter2', level: 'fake' })
  expect(JSON.parse(lines[0]!)).toEqual({
    time: '2026-01-02T03:04:05.678Z',
    level: 'info',
    message: 'Configured',
    password: '***',
    sasl_password: '***',
    field_level: 'fake',
  })
})

it('a text line stays one line, with the trace of an error below it', () => {
  const { log, lines } = collect('text')
  log.info('Joined\ngroup', { group: 'g 1', members: 3, note: 'a\nb' })
  log.error('Commit failed', { error: Object.assign(new Error('gone'), { code: 'InDoubt' }) })
  expect(lines[0]).toBe('2026-01-02T03:04:05.678Z INFO  Joined group group="g 1" members=3 note="a\\nb"\n')
  expect(lines[1]).toContain(
    'ERROR Commit failed error={"name":"Error","message":"gone","code":"InDoubt"}\n    at ',
  )
})
