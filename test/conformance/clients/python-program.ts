import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { skip } from '../../servers/skips.ts'
import type { Program } from '../program-client.ts'
import { withLock } from './with-lock.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, 'python')

/**
 * A script of the Python folder, in a virtual environment with the pinned packages that is made once on a machine.
 * Null, with the reason told, when it cannot be made.
 */
export async function pythonProgram(script: string): Promise<Program | null> {
  const requirements = join(folder, 'requirements.txt')
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12)
  const cache = join(homedir(), '.cache', 'streamhouse')
  const environment = join(cache, `venv-${hash}`)
  const complete = join(environment, 'complete')
  try {
    await mkdir(cache, { recursive: true })
    await withLock(`${environment}.lock`, async () => {
      if (await exists(complete)) return
      await rm(environment, { recursive: true, force: true })
      await run('python3', ['-m', 'venv', environment])
      await run(join(environment, 'bin', 'pip'), ['install', '--quiet', '-r', requirements])
      await writeFile(complete, '')
    })
  } catch (error) {
    skip(`${script} needs Python 3 with venv and its packages: ${error}`)
    return null
  }
  return { command: join(environment, 'bin', 'python'), args: [join(folder, script)], cwd: folder }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
