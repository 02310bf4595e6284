import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { skip } from '@streamhouse/test/servers/skips'
import { beforeAll, describe, expect, it } from 'vitest'
import { batchToMessageSet } from '../codec/message-set.ts'
import { COMPRESSION_NAMES } from '../codec/record-batch.ts'
import { buildBatch } from '../codec/records.ts'
import { expectedRecords, GOLDEN_BASE_OFFSET } from './golden-records.ts'

/*
 * What needs Java 17 and Maven: that the committed fixtures are what Kafka's client writes, and that the client reads
 * what we write. Run with UPDATE_GOLDEN=1 to write the fixtures anew.
 */
const RELEASES = ['4.3.1', '3.9.1'] as const
const CACHE = join(homedir(), '.cache', 'streamhouse', 'kafka-golden')
const SOURCES = join(import.meta.dirname, 'java')

function works(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

const present = works('java', ['-version']) && works('javac', ['-version']) && works('mvn', ['-v'])
if (!present) skip('the comparison with the Java client needs java, javac and mvn')

/** Compiles the program against one release; returns the class path, or null when the jars cannot be had. */
function build(release: string): string | null {
  const lib = join(CACHE, `lib-${release}`)
  const classes = join(CACHE, `classes-${release}`)
  const sources = join(CACHE, `src-${release}`)
  for (const directory of [lib, classes, sources]) mkdirSync(directory, { recursive: true })
  if (!readdirSync(lib).some((name) => name.startsWith('kafka-clients'))) {
    const args = ['-q', '-B', '-f', join(SOURCES, 'pom.xml'), 'dependency:copy-dependencies']
    const options = [`-Dkafka.version=${release}`, `-DoutputDirectory=${lib}`, '-DincludeScope=runtime']
    if (spawnSync('mvn', [...args, ...options], { stdio: 'ignore', timeout: 100_000 }).status !== 0)
      return null
  }
  const files = readdirSync(SOURCES).filter((name) => name.endsWith('.java'))
  for (const name of files) {
    const text = readFileSync(join(SOURCES, name), 'utf8')
    writeFileSync(join(sources, name), release < '4' ? text.replaceAll('record.internal', 'record') : text)
  }
  execFileSync('javac', ['-cp', `${lib}/*`, '-d', classes, ...files.map((name) => join(sources, name))])
  return `${classes}:${lib}/*`
}

function java(classPath: string, mode: string, input = ''): string {
  const output = execFileSync('java', ['-cp', classPath, 'Golden', mode], {
    input,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  return output.toString('utf8')
}

function fixture(name: string): string {
  return gunzipSync(readFileSync(join(import.meta.dirname, name))).toString('utf8')
}

describe.skipIf(!present)('Kafka Java client', () => {
  const classPaths = new Map<string, string>()

  beforeAll(() => {
    for (const release of RELEASES) {
      const classPath = build(release)
      if (classPath === null) skip(`kafka-clients ${release} cannot be resolved`)
      else classPaths.set(release, classPath)
    }
  })

  it('writes the messages that are committed', (context) => {
    if (classPaths.size < RELEASES.length) context.skip()
    const written = RELEASES.map((release) =>
      java(classPaths.get(release) as string, 'write')
        .trimEnd()
        .split('\n'),
    )
    const messages = [...new Set(written.flat())].filter((line) => !line.startsWith('records\t')).sort()
    const records = (written[0] ?? []).filter((line) => line.startsWith('records\t'))
    if (process.env.UPDATE_GOLDEN === '1') {
      writeFileSync(
        join(import.meta.dirname, 'messages.tsv.gz'),
        gzipSync(`${messages.join('\n')}\n`, { level: 9 }),
      )
      writeFileSync(
        join(import.meta.dirname, 'records.tsv.gz'),
        gzipSync(`${records.join('\n')}\n`, { level: 9 }),
      )
    }
    expect(new Set(fixture('messages.tsv.gz').trimEnd().split('\n'))).toEqual(new Set(messages))
    // Compressed bytes depend on the JDK's and the natives' versions; the uncompressed do not.
    const plain = (line: string) => line.startsWith('records\tnone') || line.startsWith('records\tcontrol')
    expect(fixture('records.tsv.gz').trimEnd().split('\n').filter(plain)).toEqual(records.filter(plain))
  })

  it('reads our batches of every compression, and our message sets', (context) => {
    const classPath = classPaths.get('4.3.1')
    if (classPath === undefined) return context.skip()
    const records = expectedRecords(60)
    const batches = COMPRESSION_NAMES.map((compression) =>
      buildBatch({ records, baseOffset: GOLDEN_BASE_OFFSET, compression }),
    )
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 0xff))
    const large = COMPRESSION_NAMES.map((compression) =>
      buildBatch({ records: [{ timestamp: 5n, key: null, value: noise }], compression }),
    )
    const sets = [batchToMessageSet(batches[0] as Buffer, 1)]
    const input = [...batches, ...large, ...sets].map((bytes) => bytes.toString('base64')).join('\n')
    const answers = java(classPath, 'read', `${input}\n`).trimEnd().split('\n')
    expect(new Set(answers.slice(0, 5)).size).toBe(1)
    expect(answers[0]).toMatch(/^60 /)
    expect(new Set(answers.slice(5, 10)).size).toBe(1)
    expect(answers[5]).toMatch(/^1 /)
    expect(answers[10]).toMatch(/^60 /)
  })
})
