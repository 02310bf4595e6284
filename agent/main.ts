import { setFlagsFromString } from 'node:v8'
import { ConfigError, describeSettings, readSettings } from '@streamhouse/platform/std/config-table'
import { systemClock } from '@streamhouse/platform/system/clock'
import { JsonLog } from '@streamhouse/platform/system/json-log'
import { systemNetwork } from '@streamhouse/platform/system/network'
import { openObjectStore } from '@streamhouse/platform/system/open-object-store'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { type AgentConfig, agentSettings } from './config.ts'
import { startAgent } from './run.ts'
import { flushDefaults } from './write/flush-defaults.ts'

/** A commit is tried for 20 s: when its connection has fallen silent, there is time for another one. */
const statementTimeoutMs = 8_000

// Records lie in buffers outside the JavaScript heap. Without this V8 measures them against a limit meant for the heap, which
// is small here, and collects several times as often.
setFlagsFromString('--external-memory-accounted-in-global-limit')

const argv = process.argv.slice(2)
if (argv.includes('--help')) {
  process.stdout.write(`Usage: node agent/main.ts [flags]\n\n${describeSettings(agentSettings)}`)
} else {
  await main().catch((error) => {
    process.stderr.write(error instanceof ConfigError ? `${error.message}\n` : `${error.stack}\n`)
    process.exit(1)
  })
}

async function main(): Promise<void> {
  const config = readSettings(agentSettings, argv, process.env)
  const log = new JsonLog({
    level: config.logLevel,
    format: config.logFormat,
    stream: process.stderr,
    clock: systemClock,
  })
  const system = { clock: systemClock, timers: systemTimers, random: systemRandom }
  const database = openDatabase(config, (error) =>
    log.warn('A connection to the metadata database broke', { error }),
  )
  const { store, kind } = await openObjectStore(config, system)
  const defaults = flushDefaults[kind]
  const agent = await startAgent(
    {
      ...config,
      flushIntervalMs: config.flushIntervalMs < 0 ? defaults.flushIntervalMs : config.flushIntervalMs,
      objectsInFlight: defaults.objectsInFlight,
      compressRuns: config.compressRuns === 'auto' ? defaults.compressRuns : config.compressRuns === 'yes',
      health: { host: config.healthHost, port: config.healthPort },
    },
    { ...system, network: systemNetwork, store, database, log },
  )
  const { nodeId, kafkaPort, healthPort } = agent
  log.info('The agent is in service', { nodeId, kafkaPort, healthPort })
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve))
  log.info('The agent is stopping', { nodeId })
  await agent.stop()
  await database.close()
}

function openDatabase(config: AgentConfig, onIdleError: (error: Error) => void): PostgresDatabase {
  return new PostgresDatabase({
    url: config.postgres,
    poolMax: config.postgresConnections,
    role: config.postgresRole,
    synchronousCommit: config.durability === 'sync',
    statementTimeoutMs,
    applicationName: 'streamhouse-agent',
    onIdleError,
  })
}
