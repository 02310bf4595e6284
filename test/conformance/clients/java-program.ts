import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { skip } from '../../servers/skips.ts'
import type { Program } from '../program-client.ts'
import { withLock } from './with-lock.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, 'java')

/**
 * The Java program, compiled with its libraries once for each state of its sources. Null, with the reason told, when
 * it cannot be.
 */
export async function javaProgram(): Promise<Program | null> {
  const [pom, source] = [join(folder, 'pom.xml'), join(folder, 'Client.java')]
  const hash = createHash('sha256')
  for (const file of [pom, source]) hash.update(await readFile(file))
  const cache = join(homedir(), '.cache', 'streamhouse')
  const built = join(cache, `java-${hash.digest('hex').slice(0, 12)}`)
  try {
    await mkdir(cache, { recursive: true })
    await withLock(`${built}.lock`, async () => {
      if (await exists(built)) return
      const building = await mkdtemp(`${built}-`)
      try {
        const output = `-DoutputDirectory=${building}`
        await run('mvn', [
          '-q',
          '-B',
          '-f',
          pom,
          'dependency:copy-dependencies',
          output,
          '-DincludeScope=runtime',
        ])
        await run('javac', ['-cp', `${building}/*`, '-d', building, source])
        await rename(building, built)
      } finally {
        await rm(building, { recursive: true, force: true })
      }
    })
  } catch (error) {
    skip(`the Java client needs a JDK of 17 or more, Maven and its libraries: ${error}`)
    return null
  }
  return { command: 'java', args: ['-Xmx256m', '-cp', `${built}:${built}/*`, 'Client'], cwd: folder }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
