import { expect, it } from 'vitest'
import { type ObjectStore, ObjectStoreError } from '../object-store.ts'

const text = (value: string) => [Buffer.from(value)]

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) return 'ok'
  return error instanceof ObjectStoreError ? error.code : `not an ObjectStoreError: ${error}`
}

/** What every ObjectStore does. `open` gives a store that may hold objects of other tests, but none below `prefix`. */
export function testObjectStore(open: () => { store: ObjectStore; prefix: string }): void {
  it('put then get returns the parts as one object, whole or by range', async () => {
    const { store, prefix } = open()
    const parts = [
      Buffer.from('hello '),
      new Uint8Array(0),
      new Uint8Array(Buffer.from('wide ')),
      Buffer.from('world'),
    ]
    await store.put(`${prefix}a/b`, parts)
    expect((await store.get(`${prefix}a/b`)).toString()).toBe('hello wide world')
    expect((await store.get(`${prefix}a/b`, { start: 6, end: 10 })).toString()).toBe('wide')
    expect((await store.get(`${prefix}a/b`, { start: 11, end: 16 })).toString()).toBe('world')
    expect((await store.get(`${prefix}a/b`, { start: 3, end: 3 })).byteLength).toBe(0)
  })

  it('a large object of many parts comes back byte for byte', async () => {
    const { store, prefix } = open()
    const parts = Array.from({ length: 3_000 }, (_, index) => Buffer.alloc(1_000, index & 0xff))
    await store.put(`${prefix}large`, parts)
    expect((await store.get(`${prefix}large`)).equals(Buffer.concat(parts))).toBe(true)
    const slice = await store.get(`${prefix}large`, { start: 1_000_500, end: 1_001_500 })
    expect([slice[0], slice[499], slice[500], slice[999]]).toEqual([
      1_000 & 0xff,
      1_000 & 0xff,
      1_001 & 0xff,
      1_001 & 0xff,
    ])
  })

  it('an object without bytes is an object', async () => {
    const { store, prefix } = open()
    await store.put(`${prefix}empty`, [])
    expect((await store.get(`${prefix}empty`)).byteLength).toBe(0)
    expect(await store.head(`${prefix}empty`)).toMatchObject({ key: `${prefix}empty`, sizeBytes: 0 })
  })

  it('a range that goes beyond the end is Corrupt', async () => {
    const { store, prefix } = open()
    await store.put(`${prefix}short`, text('12345'))
    expect(await codeOf(store.get(`${prefix}short`, { start: 3, end: 6 }))).toBe('Corrupt')
    expect(await codeOf(store.get(`${prefix}short`, { start: 10, end: 20 }))).toBe('Corrupt')
    expect(await codeOf(store.get(`${prefix}short`, { start: 4, end: 3 }))).toBe('Corrupt')
    expect(await codeOf(store.get(`${prefix}short`, { start: -1, end: 3 }))).toBe('Corrupt')
  })

  it('an object that is not there is NotFound, null to head and fine to delete', async () => {
    const { store, prefix } = open()
    expect(await codeOf(store.get(`${prefix}none`))).toBe('NotFound')
    expect(await codeOf(store.get(`${prefix}none`, { start: 0, end: 1 }))).toBe('NotFound')
    expect(await store.head(`${prefix}none`)).toBeNull()
    expect(await store.delete([`${prefix}none`, `${prefix}no/ne`])).toEqual([])
  })

  it('repeating a put succeeds, other bytes under the key do not, and the first stay', async () => {
    const { store, prefix } = open()
    await store.put(`${prefix}once`, text('first'))
    await store.put(`${prefix}once`, [Buffer.from('fi'), Buffer.from('rst')])
    expect(await codeOf(store.put(`${prefix}once`, text('other')))).toBe('AlreadyExists')
    expect(await codeOf(store.put(`${prefix}once`, text('first and more')))).toBe('AlreadyExists')
    expect((await store.get(`${prefix}once`)).toString()).toBe('first')
  })

  it('of many that put different bytes under one key at once, exactly one succeeds', async () => {
    const { store, prefix } = open()
    const racers = Array.from({ length: 8 }, (_, index) => `racer ${index}`)
    const codes = await Promise.all(racers.map((racer) => codeOf(store.put(`${prefix}race`, text(racer)))))
    expect(codes.filter((code) => code === 'ok')).toHaveLength(1)
    expect(codes.filter((code) => code === 'AlreadyExists')).toHaveLength(7)
    expect((await store.get(`${prefix}race`)).toString()).toBe(racers[codes.indexOf('ok')])
  })

  it('head tells the size and a recent age', async () => {
    const { store, prefix } = open()
    await store.put(`${prefix}aged`, text('12345'))
    const info = await store.head(`${prefix}aged`)
    expect(info).toMatchObject({ key: `${prefix}aged`, sizeBytes: 5 })
    expect(Number.isInteger(info!.modifiedMs)).toBe(true)
  })

  it('list pages through the keys of a prefix in the order of their bytes', async () => {
    const { store, prefix } = open()
    // Without `l/a`: a folder cannot hold it beside `l/a/x/y`.
    const names = ['l/a-b', 'l/a.b/c', 'l/a/x/y', 'l/a0', 'l/B', 'l/b=1/z', 'l/b_', 'm/other', 'l.not']
    const keys = names.map((name) => prefix + name)
    await Promise.all(keys.map((key) => store.put(key, text(key))))
    const expected = keys.filter((key) => key.startsWith(`${prefix}l/`)).sort()
    for (const limit of [1, 2, 3, expected.length, 1_000]) {
      const listed: string[] = []
      let after: string | undefined
      do {
        const page = await store.list(`${prefix}l/`, after === undefined ? { limit } : { limit, after })
        expect(page.objects.length).toBeLessThanOrEqual(limit)
        listed.push(...page.objects.map((object) => object.key))
        after = page.next
      } while (after !== undefined)
      expect(listed).toEqual(expected)
    }
    const partial = await store.list(`${prefix}l/a`, { limit: 100 })
    expect(partial.objects.map((object) => object.key)).toEqual(
      expected.filter((key) => key.startsWith(`${prefix}l/a`)),
    )
    const rest = await store.list(`${prefix}l/`, { after: `${prefix}l/a/m`, limit: 100 })
    expect(rest.objects.map((object) => object.key)).toEqual(expected.filter((key) => key > `${prefix}l/a/m`))
    expect(partial.objects[0]?.sizeBytes).toBe(expected.find((key) => key.startsWith(`${prefix}l/a`))!.length)
    expect(await store.list(`${prefix}nothing/`, { limit: 10 })).toEqual({ objects: [] })
  })

  it('deleted objects are gone, the others stay, and their keys can be used again', async () => {
    const { store, prefix } = open()
    for (const name of ['d/1', 'd/2', 'd/3']) await store.put(prefix + name, text(name))
    expect((await store.get(`${prefix}d/1`)).toString()).toBe('d/1')
    expect(await store.delete([`${prefix}d/1`, `${prefix}d/2`])).toEqual([])
    expect(await codeOf(store.get(`${prefix}d/1`))).toBe('NotFound')
    expect((await store.list(`${prefix}d/`, { limit: 10 })).objects.map((object) => object.key)).toEqual([
      `${prefix}d/3`,
    ])
    await store.delete([`${prefix}d/3`])
    await store.put(`${prefix}d/1`, text('again'))
    expect((await store.get(`${prefix}d/1`)).toString()).toBe('again')
  })

  it('keys that are none are InvalidKey everywhere', async () => {
    const { store } = open()
    for (const key of ['', '../up', '/root', 'a//b', 'a/', 'nul\0', 'a'.repeat(1_025)]) {
      expect(await codeOf(store.put(key, text('x')))).toBe('InvalidKey')
      expect(await codeOf(store.get(key))).toBe('InvalidKey')
      expect(await codeOf(store.head(key))).toBe('InvalidKey')
    }
    expect(await codeOf(store.list('../', { limit: 1 }))).toBe('InvalidKey')
    const outcome = await store.delete(['../up'])
    expect(outcome.map(({ key, error }) => [key, error.code])).toEqual([['../up', 'InvalidKey']])
    await expect(store.list('', { limit: 0 })).rejects.toThrow(RangeError)
    await expect(store.list('', { limit: 1_001 })).rejects.toThrow(RangeError)
  })

  it('a call whose signal is aborted rejects with the reason of the signal', async () => {
    const { store, prefix } = open()
    const signal = AbortSignal.abort(new Error('Gave up'))
    await expect(store.put(`${prefix}aborted`, text('x'), signal)).rejects.toThrow('Gave up')
    await expect(store.get(`${prefix}aborted`, undefined, signal)).rejects.toThrow('Gave up')
    expect(await store.head(`${prefix}aborted`)).toBeNull()
  })
}
