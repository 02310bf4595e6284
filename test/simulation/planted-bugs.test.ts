import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { MetadataServer } from './world/metadata-server.ts'
import type { PlantedBug } from './world/planted-bug.ts'

let server: MetadataServer
beforeAll(async () => {
  server = await MetadataServer.start()
})
afterAll(() => server.stop())

/** Mistakes, and the checker that tells of each. */
const bugs: readonly (readonly [what: string, checker: string, bug: PlantedBug])[] = [
  [
    'repeated batches are appended again',
    'duplicates',
    {
      function: 'commit_object',
      right: 'if v_match is not null then',
      wrong: 'if v_match is not null then v_match := null; elsif false then',
    },
  ],
  [
    'an unknown producer begins with any sequence',
    'complaints',
    {
      function: 'commit_object',
      right: 'if p_sequences[i] <> 0 then\n          v_outcome := 2;\n        end if;',
      wrong: '',
    },
  ],
  [
    'the high watermark moves one offset less',
    'metadata',
    {
      function: 'commit_object',
      right: 'set high_watermark = s.next, last_stable = s.next',
      wrong: 'set high_watermark = s.next - 1, last_stable = s.next - 1',
    },
  ],
  [
    'a commit of an offset that is higher is forgotten',
    'group offsets',
    {
      function: 'commit_group_offsets',
      right: 'set committed_offset = excluded.committed_offset',
      wrong: 'set committed_offset = least(group_offsets.committed_offset, excluded.committed_offset)',
    },
  ],
]

const seedsMax = 15

describe('the simulation', () => {
  it.each(bugs)('finds that %s', { timeout: 240_000 }, async (_, checker, bug) => {
    const found = new Set<string>()
    for (let seed = 1; seed <= seedsMax && !found.has(checker); seed++) {
      const result = await simulate({ seed, operations: 300, faults: 'heavy', bug }, server)
      for (const violation of result.violations) found.add(violation.checker)
    }
    expect([...found]).toContain(checker)
  })
})
