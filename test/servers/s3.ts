import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { skip } from './skips.ts'

const run = promisify(execFile)
const version = 'v1.8.0'
const module = `github.com/versity/versitygw/cmd/versitygw@${version}`
const startTimeoutMs = 20_000

/** A private S3 server with one empty bucket. */
export interface S3Server {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  stop(): Promise<void>
}

/** Starts versitygw on a free port, or says why it cannot and returns null. The first call on a machine builds it. */
export async function startS3(): Promise<S3Server | null> {
  const binary = await versitygw()
  if (binary === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-s3-'))
  const bucket = 'streamhouse'
  await mkdir(join(folder, bucket))
  const port = await freePort()
  const [accessKeyId, secretAccessKey] = ['streamhouse', 'streamhouse-secret']
  const args = [
    '--access',
    accessKeyId,
    '--secret',
    secretAccessKey,
    '--port',
    `127.0.0.1:${port}`,
    'posix',
    folder,
  ]
  const child = await startChild(binary, args, { cwd: folder })
  const deadline = performance.now() + startTimeoutMs
  while (!(await accepts(port))) {
    if (performance.now() > deadline) {
      await child.stop('SIGKILL')
      throw new Error(`versitygw did not listen within ${startTimeoutMs} ms; it printed:\n${child.output()}`)
    }
    await sleep(20)
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    async stop() {
      await child.stop('SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The path of the cached binary, built when it is missing. */
export async function versitygw(): Promise<string | null> {
  const folder = join(homedir(), '.cache', 'streamhouse', 'bin')
  const binary = join(folder, 'versitygw')
  if (await exists(binary)) return binary
  const go = await findGo()
  if (go === null) {
    skip(`tests against a real S3 server need Go, to build versitygw ${version}`)
    return null
  }
  await mkdir(folder, { recursive: true })
  const building = await mkdtemp(join(folder, 'building-'))
  try {
    await run('nice', ['-n', '5', go, 'install', module], { env: { ...process.env, GOBIN: building } })
    await rename(join(building, 'versitygw'), binary)
    return binary
  } catch (error) {
    skip(`tests against a real S3 server need versitygw ${version}, which cannot be built: ${error}`)
    return null
  } finally {
    await rm(building, { recursive: true, force: true })
  }
}

async function findGo(): Promise<string | null> {
  for (const go of ['go', '/usr/local/go/bin/go']) {
    try {
      await run(go, ['version'])
      return go
    } catch {
      // Not there: the next place is tried.
    }
  }
  return null
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch {
    return false
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
