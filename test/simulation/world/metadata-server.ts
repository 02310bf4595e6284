import { PGlite } from '@electric-sql/pglite'
import { SimulatedDatabase, SimulatedPostgres } from '@streamhouse/platform/simulated/database'
import { Faults } from '@streamhouse/platform/simulated/faults'
import { pump } from '@streamhouse/platform/simulated/pump'
import { SeededRandom } from '@streamhouse/platform/simulated/random'
import { Scheduler } from '@streamhouse/platform/simulated/scheduler'
import { migrate } from '@streamhouse/storage/metadata/migrate'
import { startMs, VirtualDate } from './virtual-date.ts'

export const tenant = 'default'
export const organizationId = '00000000-0000-4000-8000-000000000001'

/** The one Postgres of this process. Starting it takes long, so that runs take turns on it. */
export class MetadataServer {
  readonly pglite: PGlite
  readonly date: VirtualDate

  private constructor(pglite: PGlite, date: VirtualDate) {
    this.pglite = pglite
    this.date = date
  }

  /** From now on until `stop` this process has virtual time. */
  static async start(): Promise<MetadataServer> {
    const date = new VirtualDate()
    date.install()
    return new MetadataServer(await PGlite.create({ relaxedDurability: true }), date)
  }

  /** Makes a schema as migrations leave it, with one organization, and acts as agents do from now on: bound by policies. */
  async reset(): Promise<void> {
    this.date.nowMs = () => startMs
    await this.pglite.exec(
      'ROLLBACK; RESET ROLE; DEALLOCATE ALL; DROP SCHEMA public CASCADE; CREATE SCHEMA public',
    )
    const scheduler = new Scheduler()
    const postgres = new SimulatedPostgres(this.pglite, scheduler)
    const faults = new Faults(new SeededRandom(0))
    const stop = pump(scheduler)
    await migrate(new SimulatedDatabase({ scheduler, postgres, faults, latencyMs: 0 }))
    await stop()
    const values = [organizationId, tenant]
    await this.pglite.query('INSERT INTO organizations (id, tenant_id) VALUES ($1, $2)', values)
    await this.pglite.exec('SET ROLE streamhouse_app')
  }

  async stop(): Promise<void> {
    await this.pglite.close()
    this.date.uninstall()
  }
}
