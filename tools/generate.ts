/**
 * Makes every generated file anew; with --check it changes nothing and ends with 1 if one differs.
 *
 *     node tools/generate.ts [--check]
 */
import { spawnSync } from 'node:child_process'

const generators = ['proto/kafka/generator/main.ts', 'operator/resources/generate.ts']

for (const generator of generators) {
  const { status } = spawnSync(process.execPath, [generator, ...process.argv.slice(2)], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
