/**
 * Compiles the programs into dist/, as they are published or put into an image: JavaScript in the same folders, with what is
 * read at run time beside it, and packages that point at the JavaScript.
 *
 *     node tools/build.ts && node dist/agent/main.js --help
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const packages = ['proto', 'platform', 'storage', 'agent', 'operator', 'dev']

/** Files that programs read, besides their code. */
const assets = ['storage/metadata/migrations/*.sql', 'crds/*.yaml']

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' })
mkdirSync('dist/node_modules/@streamhouse', { recursive: true })
for (const name of packages) {
  const manifest = JSON.parse(readFileSync(join(name, 'package.json'), 'utf8'))
  manifest.exports = { './*': './*.js' }
  writeFileSync(join('dist', name, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  symlinkSync(join('..', '..', name), join('dist/node_modules/@streamhouse', name), 'dir')
}
const files = execFileSync('git', ['ls-files', ...assets], { encoding: 'utf8' })
  .split('\n')
  .filter(Boolean)
for (const file of files) {
  mkdirSync(join('dist', dirname(file)), { recursive: true })
  copyFileSync(file, join('dist', file))
}
