import { systemClock } from '@streamhouse/platform/system/clock'
import { JsonLog } from '@streamhouse/platform/system/json-log'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { collectDefaultMetrics } from 'prom-client'
import { describeConfig, type OperatorConfig, readConfig } from './config.ts'
import { describeError } from './errors.ts'
import { serveHealth } from './health.ts'
import { OperatorMetrics } from './metrics.ts'
import { Leadership } from './queue/leadership.ts'
import { definitions, type OperatorOptions, startOperator } from './run.ts'
import { FolderSource } from './sources/folder/source.ts'
import { HttpsApi } from './sources/kubernetes/https-api.ts'
import { loadClusterAccess } from './sources/kubernetes/kubeconfig.ts'
import { KubernetesSource } from './sources/kubernetes/source.ts'

const system = { clock: systemClock, timers: systemTimers, random: systemRandom }

type Origin = Pick<OperatorOptions, 'source'> & Partial<Pick<OperatorOptions, 'elect'>>

function folderOrigin(config: OperatorConfig, log: JsonLog): Origin {
  const { manifests: folder, dataDir: dataFolder } = config
  return { source: new FolderSource({ folder, dataFolder, definitions, log, ...system }) }
}

function kubernetesOrigin(config: OperatorConfig, metrics: OperatorMetrics): Origin {
  const access = loadClusterAccess(config.kubeconfig ?? undefined, systemClock)
  const api = new HttpsApi({ ...access, ...system })
  const namespaces = config.namespaces.split(',').filter((namespace) => namespace !== '')
  const cluster = config.clusterId === null ? {} : { clusterId: config.clusterId }
  const source = new KubernetesSource({ api, definitions, namespaces, metrics, ...cluster, ...system })
  if (!config.leaderElect) return { source }
  const leadership = new Leadership({
    api,
    namespace: config.leaseNamespace ?? access.namespace,
    name: config.leaseName,
    identity: `${config.identity}-${systemRandom.uuid().slice(0, 8)}`,
    ...system,
  })
  return { source, elect: (signal, lead) => leadership.run(signal, lead) }
}

async function main(config: OperatorConfig): Promise<number> {
  const log = new JsonLog({
    level: config.logLevel,
    format: config.logFormat,
    stream: process.stderr,
    clock: systemClock,
  })
  const metrics = new OperatorMetrics(systemClock)
  collectDefaultMetrics({ register: metrics.registry })
  const database = new PostgresDatabase({
    url: config.postgres,
    poolMax: config.postgresConnections,
    role: 'streamhouse_app',
    applicationName: 'streamhouse-operator',
    onIdleError: (error) => log.warn('An idle connection to Postgres broke', { error }),
  })
  const origin = config.source === 'folder' ? folderOrigin(config, log) : kubernetesOrigin(config, metrics)
  const { concurrency } = config
  const sweepIntervalMs = config.sweepInterval * 1_000
  const operator = startOperator({
    ...origin,
    database,
    log,
    metrics,
    concurrency,
    sweepIntervalMs,
    ...system,
  })
  const health = await serveHealth({
    host: config.healthHost,
    port: config.healthPort,
    isLive: () => true,
    isReady: () => operator.ready,
    metrics: () => metrics.text(),
  })
  log.info('Started', { source: config.source, healthPort: health.port })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void operator.stop())
  try {
    await operator.ended
    log.info('Stopped')
    return 0
  } catch (error) {
    log.error('The operator cannot go on', { error })
    return 1
  } finally {
    await health.close()
    await database.close()
  }
}

if (process.argv.includes('--help')) {
  console.log(`StreamHouse operator\n\n${describeConfig()}`)
} else {
  try {
    process.exitCode = await main(readConfig(process.argv.slice(2), process.env))
  } catch (error) {
    console.error(describeError(error))
    process.exitCode = 2
  }
}
