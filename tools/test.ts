/**
 * Proves the tree: everything that `npm test` promises, one suite after another, and at the end what was skipped and why.
 *
 *     node tools/test.ts            all of it
 *     node tools/test.ts unit lint  these suites only
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Suite {
  readonly name: string
  readonly command: readonly string[]
  /** Whether it is a vitest run, whose tests are counted; other suites count as one test. */
  readonly vitest?: boolean
}

const vitest = (...args: string[]) => ['vitest', 'run', ...args]

const suites: readonly Suite[] = [
  { name: 'lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'tidy', command: ['node', 'tools/tidy.ts'] },
  { name: 'generated', command: ['node', 'tools/generate.ts', '--check'] },
  { name: 'unit', command: vitest(), vitest: true },
  { name: 'build', command: ['node', 'tools/build.ts'] },
  { name: 'quickstart', command: ['node', 'tools/try-quickstart.ts'] },
  { name: 'simulation', command: ['node', 'test/simulation/main.ts', '--seed', '1', '--seeds', '20'] },
  { name: 'conformance', command: vitest('--config', 'test/vitest.config.ts'), vitest: true },
  { name: 'faults', command: vitest('--config', 'test/faults/vitest.config.ts'), vitest: true },
  { name: 'kubernetes', command: vitest('--config', 'test/kubernetes/vitest.config.ts'), vitest: true },
]

const folder = mkdtempSync(join(tmpdir(), 'streamhouse-test-'))
const skipsFile = join(folder, 'skips')
writeFileSync(skipsFile, '')

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) {
  console.error(
    `There is no suite ${unknown.join(', ')}; there are ${suites.map((suite) => suite.name).join(', ')}`,
  )
  process.exit(2)
}

let passed = 0
let failed = 0
let skipped = 0
const broken: string[] = []
for (const suite of suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n=== ${suite.name}: ${suite.command.join(' ')}`)
  const startMs = performance.now()
  const report = join(folder, `${suite.name}.json`)
  const reporters = suite.vitest
    ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    : []
  const code = await run([...suite.command, ...reporters])
  const counted = suite.vitest ? countTests(report) : null
  passed += counted?.passed ?? (code === 0 ? 1 : 0)
  skipped += counted?.skipped ?? 0
  failed += Math.max(counted?.failed ?? 0, code === 0 ? 0 : 1)
  if (code !== 0) broken.push(suite.name)
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
  console.log(`=== ${suite.name}: ${code === 0 ? 'passed' : `FAILED with exit code ${code}`} in ${seconds} s`)
}

const skips = [...new Set(readFileSync(skipsFile, 'utf8').split('\n').filter(Boolean))]
rmSync(folder, { recursive: true, force: true })
console.log('')
for (const skip of skips) console.log(skip)
if (broken.length > 0) console.log(`failed suites: ${broken.join(', ')}`)
console.log(`${passed} passed, ${failed} failed, ${Math.max(skipped, skips.length)} skipped`)
process.exitCode = failed > 0 ? 1 : 0

function run(command: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const [program, ...args] = command
    const child = spawn(program!, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, STREAMHOUSE_SKIPS_FILE: skipsFile },
    })
    child.once('error', (error) => {
      console.error(`${program} could not be started: ${error.message}; run this through npm`)
      resolve(127)
    })
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)))
  })
}

function countTests(report: string): { passed: number; failed: number; skipped: number } | null {
  try {
    const json = JSON.parse(readFileSync(report, 'utf8'))
    return { passed: json.numPassedTests, failed: json.numFailedTests, skipped: json.numPendingTests }
  } catch {
    return null
  }
}
