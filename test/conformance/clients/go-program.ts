import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { skip } from '../../servers/skips.ts'
import type { Program } from '../program-client.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, 'franz-go')

/** The Go program, built (Go keeps what did not change). Null, with the reason told, when it cannot be. */
export async function goProgram(): Promise<Program | null> {
  const binaries = join(homedir(), '.cache', 'streamhouse', 'bin')
  const binary = join(binaries, 'franz-go-client')
  await mkdir(binaries, { recursive: true })
  const failures: unknown[] = []
  for (const go of ['go', '/usr/local/go/bin/go']) {
    try {
      await run(go, ['build', '-o', binary, '.'], { cwd: folder })
      return { command: binary, args: [], cwd: folder }
    } catch (error) {
      failures.push(error)
    }
  }
  skip(`the franz-go client needs Go, and its modules: ${failures.at(-1)}`)
  return null
}
