import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { apiFile } from './api-file.ts'
import { loadDefinitions } from './schema.ts'
import { apiKeysFile, errorsFile, indexFile, topicConfigsFile } from './tables.ts'

const KAFKA = join(import.meta.dirname, '..')
const SCHEMA = join(KAFKA, 'schema')
const GENERATED_DIRECTORY = join(KAFKA, 'generated')

/** Every generated file: path to text. */
function outputs(): Map<string, string> {
  const definitions = loadDefinitions(SCHEMA)
  const files = new Map<string, string>()
  for (const definition of definitions) {
    files.set(join(GENERATED_DIRECTORY, `${definition.file}.ts`), apiFile(definition))
  }
  files.set(join(GENERATED_DIRECTORY, 'api-keys.ts'), apiKeysFile(definitions))
  files.set(join(GENERATED_DIRECTORY, 'index.ts'), indexFile(definitions))
  files.set(
    join(GENERATED_DIRECTORY, 'topic-configs.ts'),
    topicConfigsFile(join(SCHEMA, 'topic-configs.tsv')),
  )
  files.set(join(KAFKA, 'errors.ts'), errorsFile(join(SCHEMA, 'error-codes.tsv')))
  return files
}

function run(check: boolean): number {
  const files = outputs()
  if (!check) mkdirSync(GENERATED_DIRECTORY, { recursive: true })
  const differing: string[] = []
  for (const [path, text] of files) {
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    differing.push(path)
    if (!check) writeFileSync(path, text)
  }
  for (const name of existsSync(GENERATED_DIRECTORY) ? readdirSync(GENERATED_DIRECTORY) : []) {
    const path = join(GENERATED_DIRECTORY, name)
    if (files.has(path)) continue
    differing.push(path)
    if (!check) rmSync(path, { recursive: true })
  }
  for (const path of differing) console.log(`${check ? 'Differs' : 'Written'}: ${basename(path)}`)
  return check && differing.length > 0 ? 1 : 0
}

process.exitCode = run(process.argv.includes('--check'))
