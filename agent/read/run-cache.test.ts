import { randomBytes } from 'node:crypto'
import { type ByteRange, type ObjectStore, ObjectStoreError } from '@streamhouse/platform/object-store'
import { storeCompressed, storeRaw } from '@streamhouse/storage/objects/run'
import { beforeEach, expect, test } from 'vitest'
import type { RunLocation } from './range-plan.ts'
import { RunCache } from './run-cache.ts'

let objects: Map<string, Buffer>
let gets: string[]
let failures: number
let counted: { hits: number; misses: number; bytes: number }

beforeEach(() => {
  objects = new Map()
  gets = []
  failures = 0
  counted = { hits: 0, misses: 0, bytes: 0 }
})

const store = {
  async get(key: string, range: ByteRange) {
    gets.push(`${key}[${range.start},${range.end})`)
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (failures-- > 0) throw new ObjectStoreError('Unavailable', key, 'away')
    return Buffer.from(objects.get(key)!.subarray(range.start, range.end))
  },
} as unknown as ObjectStore

const cacheOf = (maxBytes: number) =>
  new RunCache(store, maxBytes, {
    rangeRead(bytes) {
      counted.bytes += bytes
    },
    lookups(hits, misses) {
      counted.hits += hits
      counted.misses += misses
    },
  })

/** An object of runs one after another, stored raw unless `compressed`. */
async function put(key: string, runs: Buffer[], compressed = false): Promise<RunLocation[]> {
  const parts: Uint8Array[] = []
  const locations: RunLocation[] = []
  let start = 0
  for (const bytes of runs) {
    const run = compressed ? await storeCompressed([bytes]) : storeRaw([bytes])
    parts.push(...run.parts)
    locations.push({ objectKey: key, start, end: start + run.storedBytes, encoding: run.encoding })
    start += run.storedBytes
  }
  objects.set(key, Buffer.concat(parts))
  return locations
}

test('runs that are asked for at once come with one GET, and later from memory', async () => {
  const runs = [randomBytes(100), randomBytes(5_000), randomBytes(7)]
  const locations = await put('a', runs)
  const cache = cacheOf(100_000)
  expect(await Promise.all(cache.load([locations[2]!, locations[0]!, locations[1]!]))).toEqual([
    runs[2],
    runs[0],
    runs[1],
  ])
  expect(await Promise.all(cache.load(locations))).toEqual(runs)
  expect(gets).toEqual([`a[0,${objects.get('a')!.length})`])
  expect(counted).toEqual({ hits: 3, misses: 3, bytes: objects.get('a')!.length })
})

test('a run that is on its way is not asked for again', async () => {
  const [location] = await put('a', [randomBytes(100)])
  const cache = cacheOf(100_000)
  const loads = [...cache.load([location!, location!]), ...cache.load([location!])]
  expect(new Set(await Promise.all(loads)).size).toBe(1)
  expect(gets).toHaveLength(1)
})

test('compressed runs are kept decoded', async () => {
  const bytes = Buffer.alloc(50_000, 'abc')
  const locations = await put('a', [bytes], true)
  expect(locations[0]!.encoding).toBe(1)
  const cache = cacheOf(100_000)
  expect(await cache.load(locations)[0]).toEqual(bytes)
  expect(cache.sizeBytes).toBeGreaterThanOrEqual(bytes.length)
})

test('the budget holds, what was not used for longest goes first', async () => {
  const locations = await put(
    'a',
    Array.from({ length: 10 }, () => randomBytes(10_000)),
  )
  const cache = cacheOf(35_000)
  for (const location of locations.slice(0, 3)) await cache.load([location])[0]
  await cache.load([locations[0]!])[0]
  await cache.load([locations[3]!])[0]
  expect(cache.sizeBytes).toBeLessThanOrEqual(35_000)
  gets.length = 0
  await cache.load([locations[0]!])[0]
  expect(gets).toHaveLength(0)
  await cache.load([locations[1]!])[0]
  expect(gets).toHaveLength(1)
})

test('without any budget everything is still given', async () => {
  const [location] = await put('a', [randomBytes(100)])
  const cache = cacheOf(0)
  expect(await cache.load([location!])[0]).toHaveLength(100)
  expect(cache.sizeBytes).toBe(0)
})

test('small runs count for more than their bytes, and do not keep what was read along', async () => {
  const locations = await put(
    'a',
    Array.from({ length: 100 }, () => randomBytes(10)),
  )
  const cache = cacheOf(1_000_000)
  const runs = await Promise.all(cache.load(locations))
  expect(cache.sizeBytes).toBeGreaterThan(100 * 500)
  for (const run of runs) expect(run.buffer.byteLength).toBeLessThan(100)
  const alone = await put('b', [randomBytes(10)])
  expect((await cache.load(alone)[0])!.buffer.byteLength).toBeLessThan(200)
})

test('a failure reaches everybody who waits, and the next one asks again', async () => {
  const [location] = await put('a', [randomBytes(100)])
  const cache = cacheOf(100_000)
  failures = 1
  const loads = [cache.load([location!])[0], cache.load([location!])[0]]
  for (const load of loads) await expect(load).rejects.toMatchObject({ code: 'Unavailable' })
  expect(await cache.load([location!])[0]).toHaveLength(100)
  expect(gets).toHaveLength(2)
})

test('a damaged run does not harm its neighbours', async () => {
  const locations = await put('a', [randomBytes(100), randomBytes(100)])
  objects.get('a')![50]! ^= 1
  const cache = cacheOf(100_000)
  const loads = cache.load(locations)
  await expect(loads[0]).rejects.toMatchObject({ code: 'CorruptObject' })
  expect(await loads[1]).toHaveLength(100)
})
