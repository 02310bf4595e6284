import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('generated files: up to date with the schema', () => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), '--check'], {
    encoding: 'utf8',
  })
  expect(run.stdout).toBe('')
  expect(run.status).toBe(0)
})
