import { describe, expect, test } from 'vitest'
import { toConditions, withFindings } from './conditions.ts'

const before = [
  {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: 'then',
    reason: 'Reconciled',
    message: 'x',
    observedGeneration: 1,
  },
  { type: 'Stalled', status: 'True', lastTransitionTime: 'then', reason: 'Conflict', message: 'x' },
] as const

describe('conditions', () => {
  test('the transition time moves when the status does, not when the reason or message do', () => {
    const same = toConditions(
      [{ type: 'Ready', status: 'True', reason: 'DriftReported', message: 'y' }],
      before,
      2,
      'now',
    )
    expect(same).toEqual([
      {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: 'then',
        reason: 'DriftReported',
        message: 'y',
        observedGeneration: 2,
      },
    ])
    const flipped = toConditions(
      [{ type: 'Ready', status: 'False', reason: 'Conflict', message: 'y' }],
      before,
      2,
      'now',
    )
    expect(flipped[0]?.lastTransitionTime).toBe('now')
  })

  test('findings are added to what is there, Ready first', () => {
    const conditions = withFindings(
      before,
      [{ type: 'Paused', status: 'True', reason: 'Pending', message: 'y' }],
      2,
      'now',
    )
    expect(conditions.map(({ type }) => type)).toEqual(['Ready', 'Stalled', 'Paused'])
    expect(conditions[0]).toEqual(before[0])
  })

  test('a message that is longer than the schema allows is cut', () => {
    const [condition] = toConditions(
      [{ type: 'Ready', status: 'True', reason: 'Pending', message: 'x'.repeat(5_000) }],
      [],
      1,
      'now',
    )
    expect(condition?.message).toHaveLength(4_096)
  })
})
