import { expect, it } from 'vitest'
import { type Database, DatabaseError } from '../database.ts'

async function failure(promise: Promise<unknown>): Promise<DatabaseError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof DatabaseError)) throw new Error(`Not a DatabaseError: ${error}`)
  return error
}

/** What every Database does. `open` gives an empty database; the suite leaves it open. */
export function testDatabase(open: () => Database): void {
  it('query with typed columns gives the documented JavaScript types', async () => {
    const { rows, rowCount } = await open().query({
      text: `SELECT 9223372036854775807::int8 AS big, 7::int2 AS small, 8::int4 AS normal, '\\xff00'::bytea AS bytes,
        '{"a": [1]}'::jsonb AS json, '2026-01-02T03:04:05.678Z'::timestamptz AS at, true AS flag, NULL::int8 AS missing,
        ARRAY[1, NULL, -3]::int8[] AS bigs, ARRAY[1, 2]::int4[] AS normals, '{}'::int8[] AS empty,
        ARRAY['a,b', 'NULL', NULL, '"\\'] AS texts, ARRAY['\\x01'::bytea, '\\x'::bytea] AS blobs,
        ARRAY[ARRAY[1, 2], ARRAY[3, NULL]]::int8[] AS nested, 1.5::float8 AS fraction,
        '5b4bd0fc-35b5-4d0f-9a52-0aa1a5b1f2c3'::uuid AS id`,
    })
    expect(rowCount).toBe(1)
    expect(rows).toEqual([
      {
        big: 9223372036854775807n,
        small: 7,
        normal: 8,
        bytes: Buffer.from([0xff, 0]),
        json: { a: [1] },
        at: new Date('2026-01-02T03:04:05.678Z'),
        flag: true,
        missing: null,
        bigs: [1n, null, -3n],
        normals: [1, 2],
        empty: [],
        texts: ['a,b', 'NULL', null, '"\\'],
        blobs: [Buffer.from([1]), Buffer.alloc(0)],
        nested: [
          [1n, 2n],
          [3n, null],
        ],
        fraction: 1.5,
        id: '5b4bd0fc-35b5-4d0f-9a52-0aa1a5b1f2c3',
      },
    ])
  })

  it('values of every kind arrive as they were bound', async () => {
    const { rows } = await open().query({
      name: 'contract-values',
      text: `SELECT $1::int8 AS a, $2::text AS b, $3::bytea AS c, $4::bool AS d, $5::int8[] AS e, $6::text[] AS f,
        $7::bytea[] AS g, $8::float8 AS h, $9::int8[] AS i, $10::bool[] AS j, $11::text AS k`,
      values: [
        -9223372036854775808n,
        `quote ' and \\ and "`,
        new Uint8Array([0, 1, 255]),
        false,
        [1n, null, 3n],
        ['', 'NULL', 'a,b', '{}', '"\\', null],
        [new Uint8Array([1, 2]), Buffer.alloc(0), null],
        0.1,
        [],
        [true, false],
        null,
      ],
    })
    expect(rows).toEqual([
      {
        a: -9223372036854775808n,
        b: `quote ' and \\ and "`,
        c: Buffer.from([0, 1, 255]),
        d: false,
        e: [1n, null, 3n],
        f: ['', 'NULL', 'a,b', '{}', '"\\', null],
        g: [Buffer.from([1, 2]), Buffer.alloc(0), null],
        h: 0.1,
        i: [],
        j: [true, false],
        k: null,
      },
    ])
  })

  it('a statement that breaks a constraint is Rejected and names it, and the connection goes on', async () => {
    const database = open()
    await database.query({ text: 'CREATE TABLE one (id int8 CONSTRAINT one_pk PRIMARY KEY)' })
    const insert = { name: 'contract-insert', text: 'INSERT INTO one VALUES ($1)', values: [1n] }
    expect((await database.query(insert)).rowCount).toBe(1)
    const error = await failure(database.query(insert))
    expect(error).toMatchObject({
      code: 'Rejected',
      sqlState: '23505',
      constraint: 'one_pk',
      retryable: false,
    })
    expect(error.message).toContain('contract-insert')
    expect((await database.query({ text: 'SELECT id FROM one' })).rows).toEqual([{ id: 1n }])
  })

  it('a transaction whose work throws leaves nothing behind and passes the exception on', async () => {
    const database = open()
    await database.query({ text: 'CREATE TABLE undone (id int4)' })
    const boom = new Error('Work failed')
    const work = database.transaction(async (transaction) => {
      await transaction.query({ text: 'INSERT INTO undone VALUES (1)' })
      throw boom
    })
    await expect(work).rejects.toBe(boom)
    expect((await database.query({ text: 'SELECT * FROM undone' })).rows).toEqual([])
  })

  it('a transaction commits what its statements did and returns what its work returns', async () => {
    const database = open()
    await database.query({ text: 'CREATE TABLE done (id int4)' })
    const value = await database.transaction(async (transaction) => {
      await Promise.all([
        transaction.query({ text: 'INSERT INTO done VALUES ($1)', values: [1] }),
        transaction.query({ text: 'INSERT INTO done VALUES ($1)', values: [2] }),
      ])
      return 'value'
    })
    expect(value).toBe('value')
    expect((await database.query({ text: 'SELECT id FROM done ORDER BY id' })).rows).toEqual([
      { id: 1 },
      { id: 2 },
    ])
  })

  it('a transaction whose work swallows a failed statement does not pretend to have committed', async () => {
    const database = open()
    await database.query({ text: 'CREATE TABLE swallowed (id int4 PRIMARY KEY)' })
    const work = database.transaction(async (transaction) => {
      await transaction.query({ text: 'INSERT INTO swallowed VALUES (1)' })
      await transaction.query({ text: 'INSERT INTO swallowed VALUES (1)' }).catch(() => {})
    })
    expect(await failure(work)).toMatchObject({ code: 'Rejected', sqlState: '23505' })
    expect((await database.query({ text: 'SELECT * FROM swallowed' })).rows).toEqual([])
  })

  it('a constraint that fails at commit is Rejected', async () => {
    const database = open()
    await database.query({
      text: 'CREATE TABLE late (id int4 CONSTRAINT late_id UNIQUE DEFERRABLE INITIALLY DEFERRED)',
    })
    const work = database.transaction((transaction) =>
      transaction.query({ text: 'INSERT INTO late VALUES (1), (1)' }),
    )
    expect(await failure(work)).toMatchObject({ code: 'Rejected', sqlState: '23505', constraint: 'late_id' })
  })

  it('a statement of a transaction that is over is refused', async () => {
    const database = open()
    const leaked = await database.transaction(async (transaction) => transaction)
    expect((await failure(leaked.query({ text: 'SELECT 1' }))).code).toBe('Rejected')
  })

  it('a serialization failure that the server reports is a Conflict', async () => {
    const raise = { text: `DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$` }
    expect(await failure(open().query(raise))).toMatchObject({ code: 'Conflict', retryable: true })
  })

  it('a statement name longer than Postgres distinguishes is refused', async () => {
    const error = await failure(open().query({ name: 'n'.repeat(64), text: 'SELECT 1' }))
    expect(error.code).toBe('Rejected')
  })
}
