import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { skip } from './skips.ts'

const run = promisify(execFile)
const version = '4.3.1'
const pieces = join(import.meta.dirname, 'apache-kafka')
const startTimeoutMs = 90_000
const resolveTimeoutMs = 300_000
const defaultHeapMib = 1024
/** As Kafka's own start script sets them. */
const jvmOptions = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
]

export interface ApacheKafkaOptions {
  /** Size of the JVM's heap; Kafka's own start script gives 1024. */
  readonly heapMib?: number
  /** Broker settings, over those of a single node. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A private Apache Kafka of one node: broker and controller in one process, its log in a temporary folder. */
export interface ApacheKafka {
  /** `127.0.0.1:port`, without authentication or encryption. */
  readonly bootstrap: string
  readonly pid: number
  readonly version: string
  /** The last of what it printed. */
  output(): string
  stop(): Promise<void>
}

/** Starts Apache Kafka on free ports, or says why it cannot and returns null. The first call on a machine downloads it. */
export async function startApacheKafka(options: ApacheKafkaOptions = {}): Promise<ApacheKafka | null> {
  const classPath = await apacheKafkaClassPath()
  if (classPath === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-kafka-'))
  const port = await freePort()
  const bootstrap = `127.0.0.1:${port}`
  const properties = join(folder, 'server.properties')
  const settings = { ...singleNode(bootstrap, await freePort(), join(folder, 'log')), ...options.settings }
  await writeFile(
    properties,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const logging = `-Dlog4j2.configurationFile=${join(pieces, 'log4j2.properties')}`
  await run('java', [
    '-cp',
    classPath,
    logging,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId(),
    '-c',
    properties,
  ])
  const heap = `${options.heapMib ?? defaultHeapMib}m`
  const args = [
    `-Xms${heap}`,
    `-Xmx${heap}`,
    ...jvmOptions,
    logging,
    '-cp',
    classPath,
    'kafka.Kafka',
    properties,
  ]
  const child = await startChild('java', args, { cwd: folder })
  const stop = async () => {
    // The log is thrown away, so nothing is lost by not waiting for a controlled shutdown.
    await child.stop('SIGKILL')
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  try {
    await child.printed('Kafka Server started', startTimeoutMs)
  } catch (error) {
    await stop()
    throw error
  }
  return { bootstrap, pid: child.pid, version, output: () => child.output(), stop }
}

/**
 * Class path with the broker and Kafka's own tools (`org.apache.kafka.tools.ProducerPerformance` and its like); null,
 * with the reason told, when Java or Maven is absent or the jars cannot be had.
 */
export async function apacheKafkaClassPath(): Promise<string | null> {
  const folder = join(homedir(), '.cache', 'streamhouse', 'kafka', version)
  const classPath = `${join(folder, 'libs')}/*`
  for (const [command, argument] of [
    ['java', '-version'],
    ['mvn', '-v'],
  ] as const) {
    if (command === 'mvn' && (await exists(join(folder, 'libs')))) break
    if (await works(command, argument)) continue
    skip(`tests against Apache Kafka ${version} need ${command}`)
    return null
  }
  if (await exists(join(folder, 'libs'))) return classPath
  await mkdir(folder, { recursive: true })
  const resolving = await mkdtemp(join(folder, 'resolving-'))
  const goal = ['-q', '-B', '-f', join(pieces, 'pom.xml'), 'dependency:copy-dependencies']
  const parameters = [
    `-Dkafka.version=${version}`,
    `-DoutputDirectory=${resolving}`,
    '-DincludeScope=runtime',
  ]
  try {
    await run('mvn', [...goal, ...parameters], { timeout: resolveTimeoutMs })
    // Two processes may resolve at once: the second finds the folder in place.
    await rename(resolving, join(folder, 'libs')).catch(async (error: unknown) => {
      if (!(await exists(join(folder, 'libs')))) throw error
    })
    return classPath
  } catch (error) {
    skip(`tests against Apache Kafka ${version} need its jars from Maven Central: ${error}`)
    return null
  } finally {
    await rm(resolving, { recursive: true, force: true })
  }
}

function singleNode(bootstrap: string, controllerPort: number, folder: string): Record<string, string> {
  return {
    'node.id': '1',
    'process.roles': 'broker,controller',
    listeners: `PLAINTEXT://${bootstrap},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${bootstrap}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': folder,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '3',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '3',
    'group.initial.rebalance.delay.ms': '0',
  }
}

/** 16 bytes in URL-safe base64 without padding, as Kafka writes a UUID. */
function clusterId(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
}

async function works(command: string, argument: string): Promise<boolean> {
  try {
    await run(command, [argument])
    return true
  } catch {
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
