import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Database } from '@streamhouse/platform/database'
import { StorageError } from '../errors.ts'

const folder = new URL('./migrations/', import.meta.url)

/** Any number, as long as every version of the program uses the same one. */
const migrationLock = 7_318_649_102n

/**
 * Brings the schema up to date, in one transaction, under a lock: processes that start together do it once. Runs as the
 * owner of the database, not as the application's role.
 * @returns the names of the migrations that were applied now
 * @throws StorageError MigrationChanged when a migration that was applied earlier is not the one shipped now
 */
export async function migrate(database: Database): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const migrations = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8')
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
  return database.transaction(async (transaction) => {
    await transaction.query({ text: 'select pg_advisory_xact_lock($1)', values: [migrationLock] })
    await transaction.query({
      text: `create table if not exists migrations (name text primary key, checksum text not null,
             applied_at timestamptz not null default now())`,
    })
    const done = await transaction.query<{ name: string; checksum: string }>({
      text: 'select name, checksum from migrations',
    })
    const checksums = new Map(done.rows.map((row) => [row.name, row.checksum]))
    const applied: string[] = []
    for (const migration of migrations) {
      const checksum = checksums.get(migration.name)
      if (checksum === migration.checksum) continue
      if (checksum !== undefined) {
        throw new StorageError(
          'MigrationChanged',
          `Migration ${migration.name} was applied to this database in another form: restore the file, and make the change in a new migration`,
        )
      }
      await transaction.query({ text: migration.text })
      await transaction.query({
        text: 'insert into migrations (name, checksum) values ($1, $2)',
        values: [migration.name, migration.checksum],
      })
      applied.push(migration.name)
    }
    return applied
  })
}
