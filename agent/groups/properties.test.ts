import { describe, expect, test } from 'vitest'
import type { GroupTimer } from './effects.ts'
import { type GroupEvent, timerEvent } from './events.ts'
import { emptyGroup, type Group } from './group.ts'
import { defaultGroupLimits, type GroupLimits } from './limits.ts'
import { brokenInvariants, brokenSteps, timerName } from './testing/invariants.ts'
import { step } from './transitions.ts'

const seeds = Number(process.env.GROUP_SEEDS ?? 150)
const stepsPerSeed = 400

/** A group under random clients, timers and stores, which remembers what it owes to whom. */
class Chaos {
  readonly limits: GroupLimits
  group: Group = emptyGroup('g', 0)
  nowMs = 0
  #state: number
  #tokens = 0
  #ids = 0
  readonly knownIds: string[] = ['']
  readonly open = new Set<number>()
  readonly timers = new Map<string, { timer: GroupTimer; atMs: number }>()
  readonly saves: number[] = []
  readonly seen = new Set<string>()

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761
    this.limits = {
      ...defaultGroupLimits,
      maxSize: this.below(3) === 0 ? 3 : 100,
      initialRebalanceDelayMs: this.below(2) * 3_000,
      pendingMembersMax: 4,
    }
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  apply(event: GroupEvent): void {
    const before = this.group
    const snapshot = this.below(10) === 0 ? JSON.stringify([...before.members, ...before.pendingSyncs]) : null
    if ('token' in event) this.open.add(event.token)
    this.seen.add(`${before.state}/${event.type}`)
    const { group, effects } = step(before, event, this.nowMs, this.limits)
    this.group = group
    for (const effect of effects) {
      if (effect.type === 'reply') {
        expect(this.open.delete(effect.token), 'a token is answered once').toBe(true)
        if (effect.reply.kind === 'join' && effect.reply.result.memberId)
          this.knownIds.push(effect.reply.result.memberId)
      } else if (effect.type === 'arm') {
        this.timers.set(timerName(effect.timer), { timer: effect.timer, atMs: this.nowMs + effect.delayMs })
      } else if (effect.type === 'disarm') this.timers.delete(timerName(effect.timer))
      else if (effect.type === 'save') this.saves.push(effect.save)
    }
    const broken = [
      ...brokenInvariants(group, new Set(this.timers.keys()), this.open),
      ...brokenSteps(before, group, effects),
    ]
    expect(broken, `after ${JSON.stringify(event)} in ${before.state}`).toEqual([])
    if (snapshot)
      expect(JSON.stringify([...before.members, ...before.pendingSyncs]), 'the input stays').toBe(snapshot)
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const next = [...this.timers].sort(([, left], [, right]) => left.atMs - right.atMs)[0]
      if (!next || next[1].atMs > untilMs) break
      this.timers.delete(next[0])
      this.nowMs = Math.max(this.nowMs, next[1].atMs)
      this.apply(timerEvent(next[1].timer))
    }
    this.nowMs = untilMs
  }

  answerSave(): void {
    const save = this.saves.shift()
    if (save === undefined) return
    this.apply({ type: 'saved', save, error: this.below(8) === 0 ? 'COORDINATOR_NOT_AVAILABLE' : 'NONE' })
  }

  member(): { memberId: string; instanceId: string | null } {
    const live = [...this.group.members.values()]
    if (live.length > 0 && this.below(5) > 0) return this.pick(live)
    return { memberId: this.pick(this.knownIds.slice(-20)), instanceId: this.pick([null, null, 's1', 's2']) }
  }

  random(): void {
    const token = ++this.#tokens
    const { memberId, instanceId } = this.member()
    const generationId = this.below(10) === 0 ? this.below(4) - 1 : this.group.generationId
    const identity = { memberId, instanceId, generationId }
    switch (this.below(10)) {
      case 0:
      case 1:
      case 2:
        this.join(token, memberId, instanceId)
        return
      case 3:
      case 4: {
        const leader = this.group.leader ?? ''
        const caller = this.below(3) > 0 ? { ...identity, memberId: leader, instanceId: null } : identity
        const assignments = [{ memberId: leader, assignment: Buffer.from('p') }]
        this.apply({
          type: 'sync',
          token,
          request: { ...caller, protocolType: null, protocolName: null, assignments },
        })
        return
      }
      case 5:
        this.apply({ type: 'heartbeat', token, request: identity })
        return
      case 6: {
        const members = [
          { ...identity, reason: null },
          { ...this.member(), reason: null },
        ]
        this.apply({ type: 'leave', token, request: { members } })
        return
      }
      case 7: {
        const transactional = this.below(4) === 0
        this.apply({
          type: 'commit',
          token,
          request: { ...identity, transactional, reportsMissingGroup: true },
        })
        return
      }
      case 8:
        this.answerSave()
        return
      default:
        this.advance(this.pick([1, 1, 100, 500, 500, 3_000, this.below(5) === 0 ? 20_000 : 50]))
    }
  }

  join(token: number, memberId: string, instanceId: string | null): void {
    const fresh = this.below(3) === 0
    const version = this.pick([0, 3, 4, 9])
    this.apply({
      type: 'join',
      token,
      newMemberId: `m${++this.#ids}`,
      request: {
        memberId: fresh ? '' : memberId,
        instanceId,
        clientId: 'c',
        clientHost: '/h',
        sessionTimeoutMs: this.pick([6_000, 10_000, 30_000, 1_000]),
        rebalanceTimeoutMs: this.pick([-1, 0, 5_000, 60_000]),
        protocolType: this.below(20) === 0 ? 'connect' : 'consumer',
        protocols: this.pick([
          [{ name: 'range', metadata: Buffer.from('t') }],
          [
            { name: 'sticky', metadata: Buffer.from(`${this.below(3)}`) },
            { name: 'range', metadata: Buffer.from('t') },
          ],
          [{ name: 'sticky', metadata: Buffer.from('t') }],
        ]),
        requiresKnownMemberId: version >= 4,
        supportsSkippingAssignment: version >= 9,
        reason: null,
      },
    })
  }
}

describe('group state machine under random events', () => {
  const seen = new Set<string>()

  test.each(Array.from({ length: seeds }, (_, seed) => seed + 1))('seed %i keeps every invariant', (seed) => {
    const chaos = new Chaos(seed)
    for (let count = 0; count < stepsPerSeed; count++) chaos.random()
    while (chaos.saves.length > 0) chaos.answerSave()
    // When nobody speaks any more, everybody is answered and the group empties.
    for (let round = 0; round < 5; round++) {
      chaos.advance(2_000_000)
      while (chaos.saves.length > 0) chaos.answerSave()
    }
    expect([...chaos.open], 'tokens left').toEqual([])
    expect(chaos.group.state).toBe('Empty')
    expect(chaos.group.pendingJoins.size).toBe(0)
    expect([...chaos.timers.keys()]).toEqual([])
    expect(chaos.group.saves.size).toBe(0)
    chaos.apply({ type: 'unload' })
    chaos.random()
    for (const pair of chaos.seen) seen.add(pair)
  })

  test('the random events reach the pairs that matter', () => {
    for (const state of ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable']) {
      for (const event of ['join', 'sync', 'heartbeat', 'leave', 'commit', 'saved', 'sessionExpired']) {
        expect(seen, `${state}/${event}`).toContain(`${state}/${event}`)
      }
    }
    expect(seen).toContain('PreparingRebalance/rebalanceExpired')
    expect(seen).toContain('CompletingRebalance/syncExpired')
  })
})
