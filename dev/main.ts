import { mkdir } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { agentSettings } from '@streamhouse/agent/config'
import { startAgent } from '@streamhouse/agent/run'
import { flushDefaults } from '@streamhouse/agent/write/flush-defaults'
import { OperatorMetrics } from '@streamhouse/operator/metrics'
import { definitions, startOperator } from '@streamhouse/operator/run'
import { FolderSource } from '@streamhouse/operator/sources/folder/source'
import { ConfigError, describeSettings, readSettings } from '@streamhouse/platform/std/config-table'
import { systemClock } from '@streamhouse/platform/system/clock'
import { JsonLog } from '@streamhouse/platform/system/json-log'
import { systemNetwork } from '@streamhouse/platform/system/network'
import { openObjectStore } from '@streamhouse/platform/system/open-object-store'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { migrate } from '@streamhouse/storage/metadata/migrate'
import { type DevConfig, devSettings } from './config.ts'
import { demonstrate, demonstrationTopics } from './demonstration.ts'
import { EmbeddedPostgres } from './embedded-postgres.ts'
import { tenantHoldings } from './holdings.ts'
import { allReady, type ResourceState } from './readiness.ts'

const readyTimeoutMs = 60_000
const system = { clock: systemClock, timers: systemTimers, random: systemRandom }
const argv = process.argv.slice(2)

if (argv.includes('--help')) {
  say(`StreamHouse in one process, on an embedded Postgres and a local folder.

Usage: npm start -- [flags]

${describeSettings(devSettings)}`)
} else {
  await main().catch((error) => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : describe(error)}\n`)
    process.exitCode = 1
  })
}

function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

function describe(error: Error): string {
  return error.cause instanceof Error
    ? `${error.message}\n  because: ${describe(error.cause)}`
    : error.message
}

async function main(): Promise<void> {
  const config = readSettings(devSettings, argv, process.env)
  const closers: (() => Promise<unknown>)[] = []
  const stopped = new Promise<void>((done) =>
    process.once('SIGINT', done).once('SIGTERM', done).once('SIGHUP', done),
  )
  try {
    await Promise.race([session(config, closers, stopped), stopped])
  } finally {
    if (!config.once) say('Stopping')
    for (const close of closers.reverse()) await close()
  }
}

/** Starts everything, shows it at work, and stays up until told to stop. What has to be stopped is added to `closers`. */
async function session(
  config: DevConfig,
  closers: (() => Promise<unknown>)[],
  stopped: Promise<void>,
): Promise<void> {
  const log = new JsonLog({
    level: config.logLevel,
    format: 'text',
    stream: process.stderr,
    clock: systemClock,
  })
  const dataDir = resolve(config.dataDir)
  await mkdir(dataDir, { recursive: true })
  say('StreamHouse is starting')

  const postgres = await openPostgres(config, dataDir, closers)
  const database = new PostgresDatabase({
    url: postgres,
    poolMax: 8,
    role: 'streamhouse_app',
    synchronousCommit: config.durability === 'sync',
  })
  closers.push(() => database.close())
  const storeUrl = config.s3 ?? pathToFileURL(resolve(dataDir, 'objects')).href
  const { store, kind } = await openObjectStore({ ...config, store: storeUrl }, system)
  say(`  records     ${kind === 'folder' ? display(resolve(dataDir, 'objects')) : storeUrl}`)

  const source = new FolderSource({
    folder: resolve(config.manifests),
    dataFolder: resolve(dataDir, 'operator'),
    definitions,
    log,
    ...system,
  })
  const operator = startOperator({
    source,
    database,
    log,
    metrics: new OperatorMetrics(systemClock),
    ...system,
  })
  closers.push(() => operator.stop())
  const states = await Promise.race([
    allReady(operator, source, readyTimeoutMs),
    operator.ended.then(() => []),
  ])
  say(`  manifests   ${config.manifests}: ${summarize(states)}`)

  const agent = await startAgent(
    {
      ...agentDefaults(),
      nodeId: 0,
      ...flushDefaults[kind],
      tenant: config.tenant,
      kafkaPort: config.kafkaPort,
      health: { host: '127.0.0.1', port: config.healthPort },
    },
    { ...system, network: systemNetwork, store, database, log },
  )
  closers.push(() => agent.stop())
  const bootstrap = `127.0.0.1:${agent.kafkaPort}`
  say(`  Kafka       ${bootstrap} (tenant ${config.tenant})`)
  say(`  health      http://127.0.0.1:${agent.healthPort}/readyz and /metrics`)

  await show(config, database, states, bootstrap)
  if (config.once) return
  say(
    `\nUp. Point any Kafka client at ${bootstrap}; change the manifests and they are applied. Ctrl-C stops.`,
  )
  await Promise.race([stopped, operator.ended])
}

async function openPostgres(
  config: DevConfig,
  dataDir: string,
  closers: (() => Promise<unknown>)[],
): Promise<string> {
  let url = config.postgres
  if (url === null) {
    const folder = resolve(dataDir, 'postgres')
    const server = await EmbeddedPostgres.start({ folder, port: config.postgresPort })
    closers.push(() => server.stop())
    url = server.url
    say(`  metadata    embedded Postgres, port ${new URL(url).port}, ${display(folder)}`)
  } else {
    say(`  metadata    Postgres at ${new URL(url).host}`)
  }
  const owner = new PostgresDatabase({ url, poolMax: 1 })
  try {
    await migrate(owner)
  } finally {
    await owner.close()
  }
  return url
}

/** The agent's own defaults, for settings that `streamhouse dev` does not ask for. */
function agentDefaults() {
  const argv = ['--postgres', '', '--store', '', '--group-initial-rebalance-delay-ms', '0']
  return readSettings(agentSettings, argv, {})
}

async function show(
  config: DevConfig,
  database: PostgresDatabase,
  states: readonly ResourceState[],
  bootstrap: string,
): Promise<void> {
  const topics = new Set(states.filter((state) => state.kind === 'Topic').map((state) => state.name))
  if (!demonstrationTopics.every((topic) => topics.has(topic))) {
    say(
      `\nNo demonstration: it needs the Topics ${demonstrationTopics.join(' and ')}, which these manifests lack`,
    )
    return
  }
  say('\nA stock Kafka client (kafkajs) writes public data, and a consumer group reads it back:')
  await demonstrate({ bootstrap, say })
  const holdings = await tenantHoldings(database, config.tenant)
  if (holdings === null) return
  say('\nWhat lies where:')
  for (const { name, partitions, records } of holdings.topics) {
    say(`  ${name.padEnd(12)} ${records.toLocaleString('en-US')} records in ${partitions} partitions`)
  }
  const kibibytes = Math.round(Number(holdings.objectBytes) / 1024).toLocaleString('en-US')
  say(`  ${holdings.objects} objects, ${kibibytes} KiB, the newest: ${holdings.newestKey}`)
}

function summarize(states: readonly ResourceState[]): string {
  return states.map(({ kind, name, ready }) => `${kind} ${name} ${ready ? 'Ready' : 'not ready'}`).join(', ')
}

function display(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}
