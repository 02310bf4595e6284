import { ConfigError, describeSettings, readSettings, text } from '@streamhouse/platform/std/config-table'
import { PostgresDatabase } from '@streamhouse/platform/system/postgres-database'
import { migrate } from './metadata/migrate.ts'

const settings = {
  postgres: text({
    variable: 'STREAMHOUSE_POSTGRES',
    placeholder: 'URL',
    doc: 'Metadata database, as its owner: postgres://user:password@host:port/database',
  }),
}

const argv = process.argv.slice(2)
if (argv.includes('--help')) {
  process.stdout.write(
    `Brings the metadata database up to date.\n\nUsage: node storage/main.ts [flags]\n\n${describeSettings(settings)}`,
  )
} else {
  await main().catch((error) => {
    process.stderr.write(error instanceof ConfigError ? `${error.message}\n` : `${error.stack}\n`)
    process.exitCode = 1
  })
}

async function main(): Promise<void> {
  const { postgres } = readSettings(settings, argv, process.env)
  const database = new PostgresDatabase({ url: postgres, poolMax: 1, statementTimeoutMs: 600_000 })
  try {
    const applied = await migrate(database)
    process.stdout.write(applied.length === 0 ? 'Up to date\n' : `Applied ${applied.join(', ')}\n`)
  } finally {
    await database.close()
  }
}
