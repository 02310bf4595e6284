import { type AddressInfo, connect, createServer } from 'node:net'
import { FaultyProxy } from '@streamhouse/test/faults/proxy'
import { type PostgresServer, startPostgres } from '@streamhouse/test/servers/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../contract/database.ts'
import type { DatabaseError } from '../database.ts'
import { PostgresDatabase, type PostgresOptions } from './postgres-database.ts'

let server: PostgresServer
let url: string
const opened: PostgresDatabase[] = []

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  url = await server.createDatabase()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()))
})

function open(options: Partial<PostgresOptions> = {}): PostgresDatabase {
  const database = new PostgresDatabase({ url, poolMax: 4, ...options })
  opened.push(database)
  return database
}

const failed = (promise: Promise<unknown>): Promise<DatabaseError> =>
  promise.then(
    () => {
      throw new Error('It did not fail')
    },
    (error: DatabaseError) => error,
  )

const killSelf = { text: 'SELECT pg_terminate_backend(pg_backend_pid())' }

describe('PostgresDatabase', () => {
  testDatabase(() => open())

  it('a server that does not listen is Unavailable', async () => {
    const database = open({ url: 'postgres://postgres@127.0.0.1:1/none', connectTimeoutMs: 2_000 })
    expect(await failed(database.query({ text: 'SELECT 1' }))).toMatchObject({ code: 'Unavailable' })
  })

  it('a database that does not exist is Rejected, without the password in the message', async () => {
    const database = open({ url: server.url('nowhere').replace('postgres@', 'postgres:hunter2@') })
    const error = await failed(database.query({ text: 'SELECT 1' }))
    expect(error).toMatchObject({ code: 'Rejected', sqlState: '3D000' })
    expect(`${error.message}${JSON.stringify(error.cause)}`).not.toContain('hunter2')
  })

  it('a pool whose connections are all taken for too long is Unavailable', async () => {
    const database = open({ poolMax: 1, connectTimeoutMs: 200 })
    const sleeping = database.query({ text: 'SELECT pg_sleep(0.6)' })
    await database.query({ text: 'SELECT 1' }).catch(() => {})
    expect(await failed(database.query({ text: 'SELECT 1' }))).toMatchObject({ code: 'Unavailable' })
    await sleeping
  })

  it('a statement over its time is stopped by the server and known not to be done', async () => {
    const database = open({ statementTimeoutMs: 200 })
    const error = await failed(database.query({ text: 'SELECT pg_sleep(5)' }))
    expect(error).toMatchObject({ code: 'Unavailable', sqlState: '57014' })
  })

  it('a server that never answers costs the connection and leaves the statement InDoubt', async () => {
    const database = open({ statementTimeoutMs: 100, poolMax: 1 })
    const deaf = { text: 'SET statement_timeout = 0; SELECT pg_sleep(30)' }
    expect(await failed(database.query(deaf))).toMatchObject({ code: 'InDoubt' })
    expect((await database.query({ text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }])
  })

  it('a session ended by an administrator is Unavailable with the answer, and the next query works', async () => {
    const database = open({ poolMax: 1 })
    expect(await failed(database.query(killSelf))).toMatchObject({ code: 'Unavailable', sqlState: '57P01' })
    expect((await database.query({ text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }])
  })

  it('a session lost inside a transaction is never in doubt before its commit', async () => {
    const database = open({ poolMax: 1 })
    const work = database.transaction(async (transaction) => {
      await transaction.query(killSelf).catch(() => {})
      await transaction.query({ text: 'SELECT 1' })
    })
    expect((await failed(work)).code).toBe('Unavailable')
  })

  it('two transactions that wait for each other end in a Conflict for one', async () => {
    const database = open()
    await database.query({
      text: 'CREATE TABLE pair (id int4 PRIMARY KEY, n int4); INSERT INTO pair VALUES (1), (2)',
    })
    let arrived = 0
    let bothLocked = () => {}
    const barrier = new Promise<void>((resolve) => {
      bothLocked = resolve
    })
    const lock = (first: number, second: number) =>
      database.transaction(async (transaction) => {
        const update = (id: number) =>
          transaction.query({ text: 'UPDATE pair SET n = 1 WHERE id = $1', values: [id] })
        await update(first)
        if (++arrived === 2) bothLocked()
        await barrier
        await update(second)
      })
    const outcomes = await Promise.allSettled([lock(1, 2), lock(2, 1)])
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
    const loser = outcomes.find((outcome) => outcome.status === 'rejected')
    expect(loser?.reason).toMatchObject({ code: 'Conflict', sqlState: '40P01' })
  })

  it('a prepared statement whose plan a migration outdated is a Conflict once', async () => {
    const database = open({ poolMax: 1 })
    await database.query({ text: 'CREATE TABLE shape (a int4)' })
    const select = { name: 'shape', text: 'SELECT * FROM shape' }
    await database.query(select)
    await database.query({ text: 'ALTER TABLE shape ADD COLUMN b int4' })
    expect(await failed(database.query(select))).toMatchObject({ code: 'Conflict', sqlState: '0A000' })
    expect((await database.query(select)).rows).toEqual([])
  })

  it('role and commit mode are set on every connection', async () => {
    await open().query({ text: 'DROP ROLE IF EXISTS "app role"; CREATE ROLE "app role"' })
    const database = open({ role: 'app role', synchronousCommit: false, applicationName: 'contract' })
    const text = `SELECT current_user AS role, current_setting('synchronous_commit') AS commit,
      current_setting('application_name') AS name`
    expect((await database.query({ text })).rows).toEqual([
      { role: 'app role', commit: 'off', name: 'contract' },
    ])
  })

  it('a server that restarts is reached again by the same pool', async () => {
    const database = open()
    await database.query({ text: 'SELECT 1' })
    await server.restart()
    await database.query({ text: 'SELECT 1' }).catch(() => {})
    expect((await database.query({ text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }])
  })

  it('once a connection fell silent, those that were idle meanwhile are not used any more', async () => {
    const proxy = await FaultyProxy.start(server.port, 'nothing is cut')
    const database = open({ url: url.replace(`:${server.port}`, `:${proxy.port}`), statementTimeoutMs: 200 })
    const text = 'SELECT pg_sleep(0.05)'
    await Promise.all([1, 2, 3].map(() => database.query({ text })))
    proxy.forget()
    expect(await failed(database.query({ text: 'SELECT 1' }))).toMatchObject({ code: 'InDoubt' })
    expect((await database.query({ text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }])
    await proxy.stop()
  })

  it('an answer lost after COMMIT was sent is InDoubt, and the work is done', async () => {
    const direct = open()
    await direct.query({ text: 'CREATE TABLE doubt (a int4)' })
    // The server gets the COMMIT, the client never its answer.
    const proxy = createServer((near) => {
      const far = connect(server.port, '127.0.0.1')
      let deaf = false
      near.on('data', (chunk) => {
        deaf ||= chunk.includes('COMMIT')
        far.write(chunk)
      })
      far.on('data', (chunk) => (deaf ? near.destroy() : near.write(chunk)))
      for (const socket of [near, far]) socket.on('error', () => {})
      near.on('close', () => far.end())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const proxied = open({ url: url.replace(`:${server.port}`, `:${(proxy.address() as AddressInfo).port}`) })
    const work = proxied.transaction((transaction) =>
      transaction.query({ text: 'INSERT INTO doubt VALUES (1)' }),
    )
    expect(await failed(work)).toMatchObject({ code: 'InDoubt', retryable: true })
    proxy.close()
    expect((await direct.query({ text: 'SELECT a FROM doubt' })).rows).toEqual([{ a: 1 }])
  })
})
