import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import type { Effect, GroupTimer, Reply, ReplyResults } from './effects.ts'
import { type GroupEvent, timerEvent } from './events.ts'
import type { Group, RequestToken } from './group.ts'
import type { GroupLease, GroupStore } from './group-store.ts'
import type { GroupLimits } from './limits.ts'
import type { PersistedGroup } from './persisted-group.ts'
import { step } from './transitions.ts'
import type { GroupErrorName, OffsetToCommit } from './types.ts'

export interface LiveGroupOptions {
  readonly lease: GroupLease
  readonly store: GroupStore
  readonly clock: Clock
  readonly timers: Timers
  readonly limits: GroupLimits
  readonly log: Log
  /** Writes that may wait for the store. */
  readonly queuedWritesMax: number
  /** The store refused a write of ours: another agent coordinates the group. */
  readonly onLost: (group: LiveGroup) => void
}

/**
 * A group that this agent coordinates: feeds the state machine with requests, timers and the store's answers, and does
 * what it says. Steps are synchronous, so they are serial; writes go to the store one after the other, in the order
 * of the steps that asked for them, so that an old offset never overwrites a newer one.
 */
export class LiveGroup {
  readonly lease: GroupLease
  readonly #options: LiveGroupOptions
  readonly #replies = new Map<RequestToken, (reply: Reply) => void>()
  readonly #timers = new Map<string, Timer>()
  #group: Group
  #nextToken = 1
  #writes: Promise<unknown> = Promise.resolve()
  #queuedWrites = 0
  #usedMs: number

  constructor(options: LiveGroupOptions, group: Group, effects: readonly Effect[]) {
    this.lease = options.lease
    this.#options = options
    this.#group = group
    this.#usedMs = options.clock.monotonicMs()
    this.#apply(effects)
  }

  get group(): Group {
    return this.#group
  }

  /** Whether nothing would be lost by forgetting the group. */
  get disposable(): boolean {
    const { state, pendingJoins } = this.#group
    return (
      (state === 'Empty' || state === 'Dead') &&
      pendingJoins.size === 0 &&
      this.#replies.size === 0 &&
      this.#queuedWrites === 0
    )
  }

  idleMs(nowMs: number): number {
    return nowMs - this.#usedMs
  }

  /** Hands a request to the state machine; resolves with its reply, perhaps much later. */
  request<Kind extends keyof ReplyResults>(
    kind: Kind,
    event: (token: RequestToken) => GroupEvent,
  ): Promise<ReplyResults[Kind]> {
    this.#usedMs = this.#options.clock.monotonicMs()
    const token = this.#nextToken++
    return new Promise((resolve, reject) => {
      this.#replies.set(token, (reply) => {
        if (reply.kind === kind) resolve(reply.result as ReplyResults[Kind])
        else reject(new Error(`A ${kind} was answered with a ${reply.kind}`))
      })
      try {
        this.#step(event(token))
      } catch (error) {
        this.#replies.delete(token)
        reject(error)
      }
    })
  }

  /** Stores offsets that the state machine has admitted. Throws what the store throws. */
  commitOffsets(
    offsets: readonly OffsetToCommit[],
  ): Promise<{ readonly error: GroupErrorName; readonly results: readonly GroupErrorName[] }> {
    if (this.#queuedWrites >= this.#options.queuedWritesMax) {
      return Promise.resolve({ error: 'COORDINATOR_NOT_AVAILABLE', results: [] })
    }
    return this.#write(async () => {
      if (this.#group.state === 'Dead') return { error: 'NOT_COORDINATOR', results: [] }
      const results = await this.#options.store.commitOffsets(this.lease, offsets)
      if (results !== 'stale-epoch') return { error: 'NONE', results }
      this.#options.onLost(this)
      return { error: 'NOT_COORDINATOR', results: [] }
    })
  }

  /** Sends everybody away; resolves when the last write has been answered. */
  async unload(): Promise<void> {
    this.#step({ type: 'unload' })
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await this.#writes
  }

  #step(event: GroupEvent): void {
    const { clock, limits } = this.#options
    const { group, effects } = step(this.#group, event, clock.nowMs(), limits)
    this.#group = group
    this.#apply(effects)
  }

  #apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'reply': {
          const answer = this.#replies.get(effect.token)
          this.#replies.delete(effect.token)
          answer?.(effect.reply)
          break
        }
        case 'arm':
          this.#arm(effect.timer, effect.delayMs)
          break
        case 'disarm':
          this.#disarm(timerName(effect.timer))
          break
        case 'save':
          this.#save(effect.save, effect.group)
          break
        case 'rebalance-started':
        case 'generation-stable': {
          const { type, ...fields } = effect
          const text = type === 'rebalance-started' ? 'The group rebalances' : 'The generation is stable'
          this.#options.log.info(text, { group: this.#group.groupId, ...fields })
          break
        }
      }
    }
  }

  #arm(timer: GroupTimer, delayMs: number): void {
    const name = timerName(timer)
    this.#disarm(name)
    const armed = this.#options.timers.after(delayMs, () => {
      if (this.#timers.get(name) !== armed) return
      this.#timers.delete(name)
      this.#step(timerEvent(timer))
    })
    this.#timers.set(name, armed)
  }

  #disarm(name: string): void {
    this.#timers.get(name)?.cancel()
    this.#timers.delete(name)
  }

  #save(save: number, group: PersistedGroup): void {
    void this.#write(async () => {
      let error: GroupErrorName = 'NONE'
      try {
        if (this.#group.state === 'Dead') error = 'NOT_COORDINATOR'
        else if ((await this.#options.store.saveGeneration(this.lease, group)) === 'stale-epoch') {
          error = 'NOT_COORDINATOR'
          this.#options.onLost(this)
        }
      } catch (cause) {
        error = 'COORDINATOR_NOT_AVAILABLE'
        this.#options.log.warn('A generation could not be stored', {
          group: this.#group.groupId,
          error: cause,
        })
      }
      this.#step({ type: 'saved', save, error })
    })
  }

  /** Runs the write after those before it. */
  #write<T>(write: () => Promise<T>): Promise<T> {
    this.#queuedWrites++
    const done = this.#writes.then(write)
    const settled = () => {
      this.#queuedWrites--
    }
    this.#writes = done.then(settled, settled)
    return done
  }
}

function timerName(timer: GroupTimer): string {
  return timer.kind === 'session' ? `session ${timer.memberId}` : timer.kind
}
