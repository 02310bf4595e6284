import type { MetadataServer } from './metadata-server.ts'

/** A mistake in one of the SQL functions: where the text says `right`, it says `wrong`. */
export interface PlantedBug {
  readonly function: string
  readonly right: string
  readonly wrong: string
}

/**
 * Puts a mistake into a function of the schema, to see that the checkers find it.
 * @throws Error when the function does not have that text
 */
export async function plantBug(server: MetadataServer, bug: PlantedBug): Promise<void> {
  const { pglite } = server
  await pglite.exec('RESET ROLE')
  const result = await pglite.query<{ definition: string }>(
    'SELECT pg_get_functiondef($1::regproc) AS definition',
    [bug.function],
  )
  const { definition } = result.rows[0]!
  if (!definition.includes(bug.right)) throw new Error(`${bug.function} does not say ${bug.right}`)
  await pglite.exec(definition.replace(bug.right, () => bug.wrong))
  await pglite.exec('SET ROLE streamhouse_app')
}
