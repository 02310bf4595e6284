import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tenantDefinition } from '../../resources/generated/tenant.ts'
import type { Topic } from '../../resources/generated/topic.ts'
import { topicDefinition } from '../../resources/generated/topic.ts'
import { FolderSource } from './source.ts'

let root: string
let folder: string
let sources: FolderSource[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'folder-source-'))
  folder = join(root, 'manifests')
  mkdirSync(folder)
  sources = []
})
afterEach(async () => {
  for (const source of sources) await source.stop()
  rmSync(root, { recursive: true, force: true })
})

async function start(rescanIntervalMs = 3_600_000) {
  const log = new RecordingLog()
  const changes: string[] = []
  const source = new FolderSource({
    ...{
      folder,
      dataFolder: join(root, 'data'),
      definitions: [tenantDefinition, topicDefinition],
      rescanIntervalMs,
    },
    ...{ clock: systemClock, timers: systemTimers, random: systemRandom, log },
  })
  source.subscribe(topicDefinition, ({ key, initial, statusOnly }) => {
    changes.push(`${key.namespace}/${key.name}${initial ? ' initial' : ''}${statusOnly ? ' status' : ''}`)
  })
  await source.start()
  sources.push(source)
  const topic = (name: string, namespace = 'default') =>
    source.get(topicDefinition, { namespace, name }) as Topic | null
  return { source, log, changes, topic }
}

const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
const yaml = (name: string, spec = 'partitions: 1', metadata = '') => `apiVersion: streamhouse.io/v1alpha1
kind: Topic
metadata: {name: ${name}${metadata}}
spec:
  tenantRef: {name: acme}
  ${spec}
`

async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('It did not happen within 5 s')
}

describe('FolderSource', () => {
  test('documents of many files and folders become resources with their defaults', async () => {
    mkdirSync(join(folder, 'nested/deeper'), { recursive: true })
    write('a.yaml', `${yaml('one')}---\n${yaml('two', 'partitions: 2', ', namespace: other')}---\n`)
    write('nested/deeper/b.yml', yaml('three'))
    write('notes.txt', 'not a manifest')
    write('.hidden.yaml', 'also: not')
    const { source, topic, changes } = await start()
    expect([...source.list(topicDefinition)].length).toBe(3)
    expect(topic('two', 'other')?.spec).toEqual({
      ...{ tenantRef: { name: 'acme' }, partitions: 2, driftPolicy: 'Revert', adoptionPolicy: 'IfEqual' },
      ...{ reclaimPolicy: 'Delete', deletionGracePeriod: '72h', deletionProtection: false },
    })
    expect(topic('one')?.metadata).toMatchObject({ generation: 1, namespace: 'default' })
    expect(topic('one')?.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'Unknown', reason: 'Pending' },
    ])
    expect(changes.sort()).toEqual(['default/one initial', 'default/three initial', 'other/two initial'])
    expect(source.problems).toEqual([])
  })

  test('a change of the file is noticed, and of the spec alone raises the generation', async () => {
    write('a.yaml', yaml('one'))
    const { topic, changes } = await start()
    const { uid } = topic('one')?.metadata ?? {}
    write('a.yaml', yaml('one', 'partitions: 5'))
    await until(() => topic('one')?.spec.partitions === 5)
    expect(topic('one')?.metadata).toMatchObject({ uid, generation: 2 })
    write('a.yaml', yaml('one', 'partitions: 5', ', annotations: {streamhouse.io/paused: "true"}'))
    await until(() => topic('one')?.metadata.annotations !== undefined)
    expect(topic('one')?.metadata.generation).toBe(2)
    await until(() => changes.length >= 3)
    expect(changes).toEqual(['default/one initial', 'default/one', 'default/one'])
  })

  test.each([
    [
      'an unknown field',
      yaml('one', 'partition: 3'),
      /a\.yaml, document 1: spec\.partition: there is no such field; did you mean partitions/,
    ],
    ['a wrong type', yaml('one', 'partitions: many'), /spec\.partitions: "many" is not of type integer/],
    ['fewer partitions', yaml('one', 'partitions: 1'), /spec: partitions may not shrink/],
    ['broken YAML', '{{', /a\.yaml: cannot be read: document 1/],
    [
      'an unknown kind',
      yaml('one').replace('Topic', 'Tropic'),
      /kind: Tropic of streamhouse\.io\/v1alpha1 is not known/,
    ],
    ['a bad name', yaml('One'), /metadata\.name: "One" is not a DNS name/],
    ['no map', '- 1\n', /the document is not a map/],
    ['too large a file', `# ${'x'.repeat(1 << 20)}\n`, /a\.yaml: cannot be read: it has/],
    ['too many aliases', `a: &a [1]\nb: &b [${'*a,'.repeat(200)}]\nc: [${'*b,'.repeat(200)}]\n`, /a\.yaml/],
  ])('%s is refused with a message, and the resource stays as it was', async (_, text, problem) => {
    write('a.yaml', yaml('one', 'partitions: 3'))
    const { source, topic, log } = await start()
    write('a.yaml', text)
    await source.rescan()
    expect(source.problems.join('\n')).toMatch(problem)
    expect(log.records.filter(({ level }) => level === 'error')).toHaveLength(1)
    // A file that can be read and no longer speaks of the resource has deleted it.
    const stays = /one/.test(text) && !/Tropic/.test(text) ? 3 : undefined
    if (stays !== undefined || /cannot be read/.test(source.problems.join()))
      expect(topic('one')?.spec.partitions).toBe(3)
    write('a.yaml', yaml('one', 'partitions: 4'))
    await source.rescan()
    expect(source.problems).toEqual([])
    expect(topic('one')?.spec.partitions).toBe(4)
  })

  test('one resource in two files is taken from the first', async () => {
    write('a.yaml', yaml('one', 'partitions: 1'))
    write('b.yaml', yaml('one', 'partitions: 2'))
    const { source, topic } = await start()
    expect(topic('one')?.spec.partitions).toBe(1)
    expect(source.problems[0]).toMatch(/b\.yaml: Topic default\/one is in a\.yaml already/)
  })

  test('a manifest that is gone deletes the resource, which its finalizers hold up', async () => {
    write('a.yaml', yaml('one'))
    const { source, topic } = await start()
    await source.setFinalizers(topicDefinition, topic('one')!, ['streamhouse.io/topic'])
    rmSync(join(folder, 'a.yaml'))
    await until(() => topic('one')?.metadata.deletionTimestamp !== undefined)
    const { uid } = topic('one')!.metadata
    write('a.yaml', yaml('one'))
    await source.rescan()
    expect(topic('one')?.metadata.deletionTimestamp).toBeDefined()
    await source.setFinalizers(topicDefinition, topic('one')!, [])
    expect(topic('one')).toBeNull()
    await until(() => topic('one') !== null)
    expect(topic('one')?.metadata.uid).not.toBe(uid)
  })

  test('finalizers are not written over a resource that changed since it was read', async () => {
    write('a.yaml', yaml('one'))
    const { source, topic } = await start()
    const read = topic('one')!
    await source.writeStatus(topicDefinition, read, { observedGeneration: 1 })
    await expect(source.setFinalizers(topicDefinition, read, ['x'])).rejects.toMatchObject({ code: 'Stale' })
  })

  test('identities and statuses outlive a restart, and what was removed meanwhile is deleted', async () => {
    write('a.yaml', yaml('one'))
    write('b.yaml', yaml('two'))
    const first = await start()
    await first.source.setFinalizers(topicDefinition, first.topic('two')!, ['streamhouse.io/topic'])
    await first.source.writeStatus(topicDefinition, first.topic('one')!, { externalID: 'x' })
    const { uid } = first.topic('one')!.metadata
    await first.source.stop()
    rmSync(join(folder, 'b.yaml'))
    const second = await start()
    expect(second.source.id).toBe(first.source.id)
    expect(second.topic('one')).toMatchObject({ metadata: { uid }, status: { externalID: 'x' } })
    expect(second.topic('two')?.metadata.deletionTimestamp).toBeDefined()
    expect(readFileSync(join(folder, 'a.yaml'), 'utf8')).toBe(yaml('one'))
  })

  test('a folder that has vanished deletes nothing', async () => {
    write('a.yaml', yaml('one'))
    const { source, topic } = await start()
    rmSync(folder, { recursive: true })
    await source.rescan()
    expect(topic('one')?.metadata.deletionTimestamp).toBeUndefined()
    expect(source.problems[0]).toMatch(/cannot be read/)
  })

  test('a damaged state is not taken for an empty one', async () => {
    mkdirSync(join(root, 'data'))
    writeFileSync(join(root, 'data/resources.json'), '{"id":')
    await expect(start()).rejects.toThrow(/resources\.json is damaged/)
  })
})
