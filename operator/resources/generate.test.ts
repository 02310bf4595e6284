import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateResources } from './generate.ts'

test('the generated files are what crds/ stands for', () => {
  const folder = join(import.meta.dirname, 'generated')
  const files = generateResources()
  expect(readdirSync(folder).sort()).toEqual([...files.keys()].sort())
  for (const [name, text] of files) expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
})
