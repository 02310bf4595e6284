/** Runs the first session of the README on what tools/build.ts compiled, twice on the same data, as a new user would. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'streamhouse-quickstart-'))
try {
  for (const expected of ['5,000 records', '10,000 records']) {
    const flags = ['--once', '--data-dir', folder, '--kafka-port', '0', '--health-port', '0']
    const { status, stdout } = spawnSync(process.execPath, ['dist/dev/main.js', ...flags], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 180_000,
    })
    process.stdout.write(stdout)
    if (status !== 0 || !stdout.includes(expected)) {
      console.error(`The quickstart ended with ${status}, and did not show ${expected} of flights`)
      process.exitCode = 1
      break
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
