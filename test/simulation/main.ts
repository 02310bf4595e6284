import {
  ConfigError,
  describeSettings,
  oneOf,
  readSettings,
  wholeNumber,
} from '@streamhouse/platform/std/config-table'
import { describeRecorded } from './history.ts'
import { type SimulationResult, simulate } from './simulate.ts'
import { faultLevels } from './world/fault-levels.ts'
import { MetadataServer } from './world/metadata-server.ts'

const settings = {
  seed: wholeNumber({
    variable: 'STREAMHOUSE_SIMULATE_SEED',
    fallback: 1,
    min: 0,
    max: 2 ** 31,
    placeholder: 'N',
    doc: 'First seed; the same seed gives the same run',
  }),
  seeds: wholeNumber({
    variable: 'STREAMHOUSE_SIMULATE_SEEDS',
    fallback: 1,
    min: 1,
    max: 1_000_000,
    placeholder: 'K',
    doc: 'How many seeds are run, one after another',
  }),
  ops: wholeNumber({
    variable: 'STREAMHOUSE_SIMULATE_OPS',
    fallback: 300,
    min: 1,
    max: 1_000_000,
    placeholder: 'M',
    doc: 'Operations of all clients together',
  }),
  faults: oneOf(faultLevels, {
    variable: 'STREAMHOUSE_SIMULATE_FAULTS',
    fallback: 'heavy',
    doc: 'How much goes wrong',
  }),
} as const

const historyLinesMax = 120

const argv = process.argv.slice(2)
if (argv.includes('--help')) {
  process.stdout.write(`Usage: npm run simulate -- [flags]\n\n${describeSettings(settings)}`)
} else {
  await main().catch((error) => {
    process.stderr.write(error instanceof ConfigError ? `${error.message}\n` : `${error.stack}\n`)
    process.exit(1)
  })
}

async function main(): Promise<void> {
  const { seed: first, seeds, ops: operations, faults } = readSettings(settings, argv, process.env)
  const server = await MetadataServer.start()
  const totals = new Map<string, number>()
  let failed = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const startedMs = performance.now()
    const result = await simulate({ seed, operations, faults }, server)
    print(result, performance.now() - startedMs)
    if (result.violations.length > 0) failed++
    for (const [name, count] of result.faultCounts) totals.set(name, (totals.get(name) ?? 0) + count)
  }
  if (seeds > 1) {
    process.stdout.write(`${seeds} seeds, ${failed} with violations\nfaults: ${describeCounts(totals)}\n`)
  }
  await server.stop()
  process.exitCode = failed > 0 ? 1 : 0
}

function print(result: SimulationResult, wallMs: number): void {
  const { seed, operations, faults, batchesSent, batchesAcknowledged, commitsAcknowledged, recordsRead } =
    result
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  process.stdout.write(
    `seed ${seed}: ${operations} ops, ${batchesAcknowledged} of ${batchesSent} batches and ${commitsAcknowledged} commits acknowledged, ${recordsRead} records read, ${seconds(result.virtualMs)} virtual, ${seconds(wallMs)} real, hash ${result.hash}\n  ${describeCounts(result.faultCounts)}\n`,
  )
  if (result.violations.length === 0) return
  for (const { checker, message } of result.violations)
    process.stdout.write(`  VIOLATION (${checker}): ${message}\n`)
  for (const line of relevantHistory(result)) process.stdout.write(`    ${line}\n`)
  process.stdout.write(
    `  Replay: npm run simulate -- --seed ${seed} --ops ${operations} --faults ${faults}\n`,
  )
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
}

/** The lines about what was violated, and what was broken on purpose meanwhile. */
function relevantHistory({ violations, history }: SimulationResult): string[] {
  const words = new Set(violations.slice(0, 5).flatMap(({ about }) => about))
  const lines = history.flatMap((recorded) => {
    const line = describeRecorded(recorded)
    const matters = recorded.event.type === 'note' || [...words].some((word) => line.includes(word))
    return matters ? [line] : []
  })
  const left = lines.length - historyLinesMax
  return left > 0 ? [...lines.slice(0, historyLinesMax), `… and ${left} more`] : lines
}
