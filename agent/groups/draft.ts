import type { Effect, GroupTimer, Reply } from './effects.ts'
import type { Group, GroupState, Member, PendingSave, RequestToken } from './group.ts'
import type { GroupLimits } from './limits.ts'
import { persistedGroup } from './persisted-group.ts'
import type { MemberAssignment } from './types.ts'

const previousStates: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Empty', 'CompletingRebalance', 'Stable'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable'],
}

/**
 * The next value of a group while one event is applied to it, and the effects so far. The group it started from stays
 * as it was; collections are copied when first changed.
 */
export class GroupDraft {
  readonly nowMs: number
  readonly limits: GroupLimits
  readonly effects: Effect[] = []
  group: Group
  readonly #from: Group

  constructor(group: Group, nowMs: number, limits: GroupLimits) {
    this.group = group
    this.#from = group
    this.nowMs = nowMs
    this.limits = limits
  }

  set(change: Partial<Omit<Group, 'groupId' | 'state' | 'stateSinceMs' | 'members'>>): void {
    this.group = { ...this.group, ...change }
  }

  /** Throws on a transition that the protocol does not have: that is our mistake, never a client's. */
  transition(state: GroupState): void {
    if (!previousStates[state].includes(this.group.state)) {
      throw new Error(`Group "${this.group.groupId}" cannot go from ${this.group.state} to ${state}`)
    }
    this.group = { ...this.group, state, stateSinceMs: this.nowMs }
  }

  /** Adds the member, or replaces the one of the same id in its place. */
  putMember(member: Member): void {
    this.#ownMembers().set(member.memberId, member)
  }

  deleteMember(memberId: string): void {
    this.#ownMembers().delete(memberId)
  }

  /** Puts `member` where the member `memberId` was. */
  renameMember(memberId: string, member: Member): void {
    const entries = Array.from(this.group.members, ([id, each]): [string, Member] =>
      id === memberId ? [member.memberId, member] : [id, each],
    )
    this.group = { ...this.group, members: new Map(entries) }
  }

  setPendingJoin(memberId: string, pending: boolean): void {
    if (this.group.pendingJoins.has(memberId) === pending) return
    this.set({ pendingJoins: changed(this.group.pendingJoins, memberId, pending) })
  }

  setPendingSync(memberId: string, pending: boolean): void {
    if (this.group.pendingSyncs.has(memberId) === pending) return
    this.set({ pendingSyncs: changed(this.group.pendingSyncs, memberId, pending) })
  }

  save(pending: PendingSave, assignments?: readonly MemberAssignment[]): void {
    const save = this.group.nextSave
    this.set({ nextSave: save + 1, saves: new Map(this.group.saves).set(save, pending) })
    this.effects.push({ type: 'save', save, group: persistedGroup(this.group, assignments) })
  }

  /** Takes the save off the list; null when it is not there. */
  takeSave(save: number): PendingSave | null {
    const pending = this.group.saves.get(save)
    if (!pending) return null
    const saves = new Map(this.group.saves)
    saves.delete(save)
    this.set({ saves })
    return pending
  }

  reply(token: RequestToken, reply: Reply): void {
    this.effects.push({ type: 'reply', token, reply })
  }

  arm(timer: GroupTimer, delayMs: number): void {
    this.effects.push({ type: 'arm', timer, delayMs })
  }

  armSession(member: Member, delayMs: number = member.sessionTimeoutMs): void {
    this.arm({ kind: 'session', memberId: member.memberId }, delayMs)
  }

  disarm(timer: GroupTimer): void {
    this.effects.push({ type: 'disarm', timer })
  }

  #ownMembers(): Map<string, Member> {
    if (this.group.members === this.#from.members) {
      this.group = { ...this.group, members: new Map(this.group.members) }
    }
    return this.group.members as Map<string, Member>
  }
}

function changed(set: ReadonlySet<string>, key: string, present: boolean): ReadonlySet<string> {
  const copy = new Set(set)
  if (present) copy.add(key)
  else copy.delete(key)
  return copy
}
