import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { MetadataServer } from './world/metadata-server.ts'
import type { PlantedBug } from './world/planted-bug.ts'

let server: MetadataServer
beforeAll(async () => {
  server = await MetadataServer.start()
})
afterAll(() => server.stop())

/** Mistakes with a seed that finds each, and the checker that tells. */
const bugs: readonly (readonly [what: string, seed: number, checker: string, bug: PlantedBug])[] = [
  [
    'repeated batches are appended again',
    1,
    'duplicates',
    {
      function: 'commit_object',
      right: 'if v_match is not null then',
      wrong: 'if v_match is not null then v_match := null; elsif false then',
    },
  ],
  [
    'an unknown producer begins with any sequence',
    1,
    'complaints',
    {
      function: 'commit_object',
      right: 'if p_sequences[i] <> 0 then\n          v_outcome := 2;\n        end if;',
      wrong: '',
    },
  ],
  [
    'the high watermark moves one offset less',
    1,
    'metadata',
    {
      function: 'commit_object',
      right: 'set high_watermark = s.next, last_stable = s.next',
      wrong: 'set high_watermark = s.next - 1, last_stable = s.next - 1',
    },
  ],
  [
    'a commit of an offset that is higher is forgotten',
    1,
    'group offsets',
    {
      function: 'commit_group_offsets',
      right: 'set committed_offset = excluded.committed_offset',
      wrong: 'set committed_offset = least(group_offsets.committed_offset, excluded.committed_offset)',
    },
  ],
]

describe('the simulation', () => {
  it.each(bugs)('finds that %s', { timeout: 120_000 }, async (_, seed, checker, bug) => {
    const result = await simulate({ seed, operations: 300, faults: 'heavy', bug }, server)
    expect(result.violations.map((violation) => violation.checker)).toContain(checker)
  })
})
