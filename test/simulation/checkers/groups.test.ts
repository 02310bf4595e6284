import { describe, expect, it } from 'vitest'
import { checkAssignments } from './assignments.ts'
import { checkFencedCommits } from './fenced-commits.ts'
import { checkGroupOffsets } from './group-offsets.ts'
import { commit, committed, evidence, offsets, partition, synced } from './planted.ts'

describe('group offsets', () => {
  it('the last acknowledged commit is right', () => {
    const events = [commit('c1', 5n), committed('c1'), commit('c2', 3n), committed('c2'), ...offsets(3n)]
    expect(checkGroupOffsets(evidence(events))).toEqual([])
  })

  it('an acknowledged commit that is lost is found', () => {
    const found = checkGroupOffsets(evidence([commit('c1', 5n), committed('c1'), ...offsets(-1n)]))
    expect(found.map(({ message }) => message)).toEqual([
      'group was told that offset -1 of topic/0 is committed, after c1 of 5 had been acknowledged',
    ])
  })

  it('an acknowledged commit that gives way to an older one is found', () => {
    const events = [commit('c1', 5n), committed('c1'), commit('c2', 8n), committed('c2'), ...offsets(5n)]
    expect(checkGroupOffsets(evidence(events))).toHaveLength(1)
  })

  it('an offset that nobody committed is found, as is one that was refused', () => {
    expect(checkGroupOffsets(evidence(offsets(4n)))).toHaveLength(1)
    const refused = [commit('c1', 5n), committed('c1', 'refused'), ...offsets(5n)]
    expect(checkGroupOffsets(evidence(refused))).toHaveLength(1)
  })

  it('a commit in doubt may show at once, later, or never', () => {
    const events = [commit('c1', 5n), committed('c1', 'unknown'), commit('c2', 8n), committed('c2')]
    expect(checkGroupOffsets(evidence([...events, ...offsets(5n)]))).toEqual([])
    expect(checkGroupOffsets(evidence([...events, ...offsets(8n)]))).toEqual([])
    expect(checkGroupOffsets(evidence([...events, ...offsets(-1n)]))).toHaveLength(1)
  })

  it('a commit that is under way during the look-up may show or not', () => {
    const [ask, answer] = offsets(5n) as [never, never]
    const before = [commit('c1', 5n), committed('c1'), ask, commit('c2', 8n), committed('c2'), answer]
    expect(checkGroupOffsets(evidence(before))).toEqual([])
  })
})

describe('fenced commits', () => {
  it('a commit of an older generation that is taken is found', () => {
    const events = [synced('m1', 1, []), synced('m2', 2, []), commit('c1', 5n, 1), committed('c1')]
    expect(checkFencedCommits(evidence(events))).toHaveLength(1)
  })

  it('one that is refused, or was under way before, is right', () => {
    const refused = [synced('m2', 2, []), commit('c1', 5n, 1), committed('c1', 'refused')]
    expect(checkFencedCommits(evidence(refused))).toEqual([])
    const before = [synced('m1', 1, []), commit('c1', 5n, 1), synced('m2', 2, []), committed('c1')]
    expect(checkFencedCommits(evidence(before))).toEqual([])
  })
})

describe('assignments', () => {
  it('a partition with two owners in one generation is found', () => {
    const events = [synced('m1', 3, [partition]), synced('m2', 3, [partition])]
    expect(checkAssignments(evidence(events))).toHaveLength(1)
  })

  it('an owner may change with the generation', () => {
    const events = [synced('m1', 3, [partition]), synced('m1', 3, [partition]), synced('m2', 4, [partition])]
    expect(checkAssignments(evidence(events))).toEqual([])
  })
})
