import { PGlite } from '@electric-sql/pglite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../contract/database.ts'
import { SimulatedDatabase, SimulatedPostgres } from './database.ts'
import { Faults } from './faults.ts'
import { pump } from './pump.ts'
import { SeededRandom } from './random.ts'
import { Scheduler } from './scheduler.ts'

let pglite: PGlite
beforeAll(async () => {
  pglite = await PGlite.create()
})
afterAll(() => pglite?.close())
beforeEach(async () => {
  await pglite.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
})

function simulation() {
  const scheduler = new Scheduler()
  const faults = new Faults(new SeededRandom(1))
  const postgres = new SimulatedPostgres(pglite, scheduler)
  return { scheduler, faults, postgres, database: new SimulatedDatabase({ scheduler, postgres, faults }) }
}

describe('SimulatedDatabase', () => {
  let database: SimulatedDatabase
  let stop: () => Promise<void>
  beforeEach(() => {
    const made = simulation()
    database = made.database
    stop = pump(made.scheduler)
  })
  afterEach(() => stop())
  testDatabase(() => database)
})

describe('SimulatedDatabase with faults', () => {
  const insert = { text: 'INSERT INTO t VALUES ($1)', values: [1] }
  const count = { text: 'SELECT count(*) AS n FROM t' }

  it('a lost answer is InDoubt and the statement done; a lost request is InDoubt and it is not', async () => {
    const { scheduler, faults, database } = simulation()
    await scheduler.run(async () => {
      await database.query({ text: 'CREATE TABLE t (a int4)' })
      faults.set({ databaseLostReply: 1 })
      await expect(database.query(insert)).rejects.toMatchObject({ code: 'InDoubt' })
      faults.set({ databaseLostRequest: 1 })
      await expect(database.query(insert)).rejects.toMatchObject({ code: 'InDoubt' })
      faults.set({ databaseUnavailable: 1 })
      await expect(database.query(insert)).rejects.toMatchObject({ code: 'Unavailable' })
      faults.set({})
      expect((await database.query(count)).rows).toEqual([{ n: 1n }])
    })
  })

  it('a commit whose answer is lost has happened; one that loses a conflict has not', async () => {
    const { scheduler, faults, database } = simulation()
    await scheduler.run(async () => {
      await database.query({ text: 'CREATE TABLE t (a int4)' })
      faults.set({ databaseLostReply: 1 })
      const work = () => database.transaction((transaction) => transaction.query(insert))
      await expect(work()).rejects.toMatchObject({ code: 'InDoubt' })
      faults.set({ databaseConflict: 1 })
      await expect(work()).rejects.toMatchObject({ code: 'Conflict' })
      faults.set({})
      expect((await database.query(count)).rows).toEqual([{ n: 1n }])
    })
  })

  it('a restart breaks the transaction under way, refuses new ones, and ends', async () => {
    const { scheduler, postgres, database } = simulation()
    await scheduler.run(async () => {
      await database.query({ text: 'CREATE TABLE t (a int4)' })
      const work = database.transaction(async (transaction) => {
        await transaction.query(insert)
        postgres.restart(100)
        await transaction.query(insert)
      })
      await expect(work).rejects.toMatchObject({ code: 'Unavailable' })
      await expect(database.query(count)).rejects.toMatchObject({ code: 'Unavailable' })
      await scheduler.sleep(100)
      expect((await database.query(count)).rows).toEqual([{ n: 0n }])
    })
  })

  it('transactions of several processes take turns and lose nothing', async () => {
    const { scheduler, postgres, faults, database } = simulation()
    await scheduler.run(async () => {
      await database.query({ text: 'CREATE TABLE t (a int4); INSERT INTO t VALUES (0)' })
      const processes = [1, 2, 3].map(() => new SimulatedDatabase({ scheduler, postgres, faults }))
      const increment = (process: SimulatedDatabase) =>
        process.transaction(async (transaction) => {
          const { rows } = await transaction.query<{ a: number }>({ text: 'SELECT a FROM t' })
          await scheduler.sleep(5)
          await transaction.query({ text: 'UPDATE t SET a = $1', values: [rows[0]!.a + 1] })
        })
      await Promise.all(processes.flatMap((process) => [increment(process), increment(process)]))
      expect((await database.query({ text: 'SELECT a FROM t' })).rows).toEqual([{ a: 6 }])
    })
  })

  it('a process killed inside a transaction is rolled back, hears nothing and holds nobody up', async () => {
    const { scheduler, postgres, faults, database } = simulation()
    await scheduler.run(async () => {
      await database.query({ text: 'CREATE TABLE t (a int4)' })
      const doomed = new SimulatedDatabase({ scheduler, postgres, faults })
      const heard: string[] = []
      void doomed
        .transaction(async (transaction) => {
          await transaction.query(insert)
          heard.push('inserted')
          await transaction.query(insert)
          heard.push('again')
        })
        .finally(() => heard.push('over'))
      while (heard.length === 0) await scheduler.sleep(0.1)
      doomed.kill()
      expect((await database.query(count)).rows).toEqual([{ n: 0n }])
      expect(heard).toEqual(['inserted'])
    })
  })
})
