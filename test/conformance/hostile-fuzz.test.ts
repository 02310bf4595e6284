import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { metadata } from '@streamhouse/proto/kafka/generated/03-metadata'
import { ApiKey } from '@streamhouse/proto/kafka/generated/api-keys'
import { afterAll, expect, inject, it } from 'vitest'
import { encodeHeader, Wire } from './wire.ts'

const bootstrap = inject('bootstrap')
const seed = process.env.STREAMHOUSE_CONFORMANCE_SEED ?? 'bytes'
const bodiesPerVersion = 6
const bodyMaxBytes = 96
const answerTimeoutMs = 20_000
/** Its answer may be long in coming when the random bytes ask for a long wait. */
const mayWait: ReadonlySet<number> = new Set([ApiKey.Fetch, ApiKey.JoinGroup, ApiKey.Produce])
/** What administers the broker itself, which random bytes must not stop. */
const left: ReadonlySet<number> = new Set([ApiKey.UnregisterBroker, ApiKey.UpdateFeatures])
const witness = await Wire.connect(bootstrap)
const served = await witness.served()

afterAll(() => witness.close())

/** The same bytes for the same seed and name: half of them zero, so that lengths and counts are sometimes sensible. */
function randomBody(name: string): Buffer {
  const random = Buffer.concat(
    [0, 1, 2, 3].map((part) => createHash('sha256').update(`${seed} ${name} ${part}`).digest()),
  )
  const body = random.subarray(0, random[127]! % bodyMaxBytes)
  return Buffer.from(body.map((byte, index) => ((random[127 - (index % 32)]! >> (index % 8)) & 1 ? byte : 0)))
}

it.each([...served])(
  'random bodies of API key %i, in every version, stop nothing',
  async (key, { minVersion, maxVersion }) => {
    if (left.has(key)) return
    for (let version = minVersion; version <= maxVersion; version++) {
      for (let count = 0; count < bodiesPerVersion; count++) {
        const name = `${key} v${version} ${count}`
        const wire = await Wire.connect(bootstrap)
        wire.send(Buffer.concat([encodeHeader(key, version, 1), randomBody(name)]))
        const patience = mayWait.has(key) ? 200 : answerTimeoutMs
        const answer = wire.frame(patience).then(() => 'settled')
        await expect(mayWait.has(key) ? answer.catch(() => 'settled') : answer, name).resolves.toBe('settled')
        wire.close()
      }
    }
    await expectServing()
  },
)

it('random bytes without a frame stop nothing', async () => {
  const colon = bootstrap.lastIndexOf(':')
  for (let count = 0; count < 200; count++) {
    const socket = connect(Number(bootstrap.slice(colon + 1)), bootstrap.slice(0, colon))
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.end(randomBody(`raw ${count}`))
    if (count % 20 === 0) await sleep(10)
  }
  await expectServing()
})

async function expectServing(): Promise<void> {
  const answer = await witness.call(metadata, 9, { topics: [], allowAutoTopicCreation: false })
  expect(answer.brokers.length).toBeGreaterThan(0)
}
