import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testObjectStore } from '../contract/object-store.ts'
import { systemClock } from './clock.ts'
import { FolderObjectStore } from './folder-object-store.ts'
import { systemRandom } from './random.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streamhouse-folder-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const open = (name: string, durability: 'sync' | 'os' = 'os', openFilesMax = 4) =>
  FolderObjectStore.open({
    folder: join(folder, name),
    durability,
    clock: systemClock,
    random: systemRandom,
    openFilesMax,
  })

describe.each(['sync', 'os'] as const)('FolderObjectStore with durability %s', (durability) => {
  let store: FolderObjectStore
  let tests = 0
  beforeAll(async () => {
    store = await open(durability, durability)
  })
  testObjectStore(() => ({ store, prefix: `t${tests++}/` }))
})

describe('FolderObjectStore', () => {
  it('a finished or failed put leaves nothing beside the object', async () => {
    const store = await open('tidy')
    await store.put('a', [Buffer.from('1')])
    await store.put('a', [Buffer.from('2')]).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await readdir(join(folder, 'tidy'), { recursive: true })).sort()).toEqual(['a', '~uploads'])
  })

  it('opening removes old uploads of a process that is gone and keeps young ones', async () => {
    await open('strays')
    const uploads = join(folder, 'strays', '~uploads')
    await writeFile(join(uploads, 'old-1'), 'x')
    await writeFile(join(uploads, 'young-1'), 'x')
    await utimes(join(uploads, 'old-1'), new Date(0), new Date(0))
    await open('strays')
    expect(await readdir(uploads)).toEqual(['young-1'])
  })

  it('more objects than descriptors can be read at once', async () => {
    const store = await open('many', 'os', 2)
    const keys = Array.from({ length: 40 }, (_, index) => `k/${index}`)
    await Promise.all(keys.map((key) => store.put(key, [Buffer.from(key)])))
    for (let round = 0; round < 3; round++) {
      const read = await Promise.all(keys.map((key) => store.get(key, { start: 2, end: key.length })))
      expect(read.map(String)).toEqual(keys.map((key) => key.slice(2)))
    }
    store.close()
  })

  it('a key below another object is InvalidKey to put and NotFound to get', async () => {
    const store = await open('nested')
    await store.put('a/b', [Buffer.from('x')])
    await expect(store.put('a/b/c', [])).rejects.toMatchObject({ code: 'InvalidKey' })
    await expect(store.put('a', [])).rejects.toMatchObject({ code: 'InvalidKey' })
    await expect(store.get('a/b/c')).rejects.toMatchObject({ code: 'NotFound' })
    await expect(store.get('a')).rejects.toMatchObject({ code: 'NotFound' })
    expect(await store.head('a')).toBeNull()
    expect(await store.delete(['a', 'a/b/c'])).toEqual([])
    expect((await store.get('a/b')).toString()).toBe('x')
  })

  it.each(['os', 'sync'] as const)(
    'puts and deletes in one folder at once do not lose each other (%s)',
    async (mode) => {
      const store = await open(`churn-${mode}`, mode)
      const work = Array.from({ length: 200 }, async (_, index) => {
        const key = `org/hour-${index % 3}/${index}`
        await store.put(key, [Buffer.from(key)])
        if (index % 2 === 0) await store.delete([key])
        else expect((await store.get(key)).toString()).toBe(key)
      })
      await Promise.all(work)
      expect((await store.list('', { limit: 1_000 })).objects).toHaveLength(100)
    },
  )

  it('emptied folders are removed, and only those', async () => {
    const store = await open('emptied')
    for (const key of ['o/1/a', 'o/1/b', 'o/2/c']) await store.put(key, [])
    await store.delete(['o/1/a', 'o/2/c'])
    expect((await readdir(join(folder, 'emptied', 'o'))).sort()).toEqual(['1'])
  })

  it('a folder that cannot be used says which one and why', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(open('file')).rejects.toThrow(/Cannot use the folder .*file as an object store/)
  })

  it('files with names that are no keys are not listed', async () => {
    const store = await open('foreign')
    await store.put('a', [Buffer.from('x')])
    await writeFile(join(folder, 'foreign', 'not a key'), '')
    await symlink('nowhere', join(folder, 'foreign', 'broken'))
    expect((await store.list('', { limit: 10 })).objects.map((object) => object.key)).toEqual(['a'])
    expect((await readFile(join(folder, 'foreign', 'a'))).toString()).toBe('x')
  })
})
