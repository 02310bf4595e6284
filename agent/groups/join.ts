import type { GroupDraft } from './draft.ts'
import type { GroupEvents } from './events.ts'
import type { Group, Member } from './group.ts'
import {
  addMember,
  parkJoin,
  refuseMember,
  removeMember,
  removePendingJoin,
  replaceStaticMember,
  staticMemberId,
} from './membership.ts'
import { sameProtocols, selectProtocol, supportsProtocols } from './protocol-selection.ts'
import { completeJoinWhenAllJoined, prepareRebalance, rebalance } from './rebalance.ts'
import { joinError, joinSuccess } from './replies.ts'
import { refuseJoin } from './request-bounds.ts'
import type { GroupErrorName } from './types.ts'

type Join = GroupEvents['join']

/** What to do with a known member that joins again; the only part of a join that depends on the state. */
export type Rejoin = (draft: GroupDraft, event: Join, member: Member) => void

/** A JoinGroup in a state where a known member's join is handled by `rejoin`. */
export function join(rejoin: Rejoin): (draft: GroupDraft, event: Join) => void {
  return (draft, event) => {
    const { request } = event
    const { memberId } = request
    const refused = refuseJoin(draft.group, request, draft.limits)
    if (refused) return refuse(draft, event, refused, memberId)
    if (!hasRoom(draft.group, memberId, draft.limits.maxSize)) return refuseForSize(draft, event)
    if (!supportsProtocols(draft.group, request.protocolType, request.protocols)) {
      return refuse(draft, event, 'INCONSISTENT_GROUP_PROTOCOL', memberId)
    }
    if (memberId === '') return joinWithoutId(draft, event)
    if (draft.group.pendingJoins.has(memberId) && request.instanceId === null) {
      return admit(draft, event, memberId)
    }
    const stranger = refuseMember(draft.group, memberId, request.instanceId)
    if (stranger) return refuse(draft, event, stranger, memberId)
    rejoin(draft, event, draft.group.members.get(memberId)!)
  }
}

/** Rejoin in the join phase: the member's say for the next generation. */
export function rejoinPreparing(draft: GroupDraft, event: Join, member: Member): void {
  updateAndPark(draft, event, member)
  completeJoinWhenAllJoined(draft)
}

/** Rejoin in the sync phase: the same join again lost its answer; a different one needs a new generation. */
export function rejoinCompleting(draft: GroupDraft, event: Join, member: Member): void {
  if (sameProtocols(member.protocols, event.request.protocols)) answerCurrentGeneration(draft, event, member)
  else updateAndRebalance(draft, event, member, 'updated its metadata')
}

/** Rejoin in a stable group: the leader asks for a rebalance by it, a follower only with changed metadata. */
export function rejoinStable(draft: GroupDraft, event: Join, member: Member): void {
  if (draft.group.leader === member.memberId)
    updateAndRebalance(draft, event, member, 'leads and joined again')
  else if (sameProtocols(member.protocols, event.request.protocols))
    answerCurrentGeneration(draft, event, member)
  else updateAndRebalance(draft, event, member, 'updated its metadata')
}

/** An empty group has no members that could rejoin. */
export function rejoinEmpty(draft: GroupDraft, event: Join, member: Member): void {
  refuse(draft, event, 'UNKNOWN_MEMBER_ID', member.memberId)
}

export function joinDead(draft: GroupDraft, event: Join): void {
  refuse(draft, event, 'COORDINATOR_NOT_AVAILABLE', event.request.memberId)
}

function refuse(draft: GroupDraft, event: Join, error: GroupErrorName, memberId: string): void {
  draft.reply(event.token, { kind: 'join', result: joinError(error, memberId) })
}

/**
 * During the join phase the seats are those who already wait, so that a lowered limit puts out the last to come;
 * afterwards they are the members.
 */
function hasRoom(group: Group, memberId: string, maxSize: number): boolean {
  const member = group.members.get(memberId)
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true
    case 'PreparingRebalance': {
      if (member?.join != null) return true
      let waiting = 0
      for (const each of group.members.values()) if (each.join !== null) waiting++
      return waiting < maxSize
    }
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < maxSize
  }
}

function refuseForSize(draft: GroupDraft, event: Join): void {
  refuse(draft, event, 'GROUP_MAX_SIZE_REACHED', '')
  const { memberId } = event.request
  const member = draft.group.members.get(memberId)
  if (member) removeMember(draft, member)
  else if (draft.group.pendingJoins.has(memberId)) removePendingJoin(draft, memberId)
  completeJoinWhenAllJoined(draft)
}

function joinWithoutId(draft: GroupDraft, event: Join): void {
  const { request, newMemberId } = event
  if (request.instanceId !== null) {
    const current = staticMemberId(draft.group, request.instanceId)
    if (current === null) admit(draft, event, newMemberId)
    else returnStaticMember(draft, event, draft.group.members.get(current)!)
  } else if (request.requiresKnownMemberId) {
    giveMemberId(draft, event)
  } else {
    admit(draft, event, newMemberId)
  }
}

/** KIP-394: the client joins again with the id, so that a lost answer does not leave a ghost in the group. */
function giveMemberId(draft: GroupDraft, event: Join): void {
  if (draft.group.pendingJoins.size >= draft.limits.pendingMembersMax) {
    refuse(draft, event, 'GROUP_MAX_SIZE_REACHED', '')
    return
  }
  draft.set({ exists: true })
  draft.setPendingJoin(event.newMemberId, true)
  draft.arm({ kind: 'session', memberId: event.newMemberId }, event.request.sessionTimeoutMs)
  refuse(draft, event, 'MEMBER_ID_REQUIRED', event.newMemberId)
}

function admit(draft: GroupDraft, event: Join, memberId: string): void {
  const { request, token } = event
  const member: Member = {
    memberId,
    instanceId: request.instanceId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    ...timeouts(event),
    protocols: request.protocols,
    assignment: new Uint8Array(0),
    isNew: true,
    join: token,
    sync: null,
  }
  addMember(draft, member, request.protocolType)
  const { initialDelay } = draft.group
  if (initialDelay) draft.set({ initialDelay: { ...initialDelay, memberAdded: true } })
  draft.armSession(member, draft.limits.newMemberJoinTimeoutMs)
  rebalance(draft, because(event, memberId, 'is new'))
}

function timeouts({ request }: Join): { sessionTimeoutMs: number; rebalanceTimeoutMs: number } {
  const { sessionTimeoutMs, rebalanceTimeoutMs } = request
  return {
    sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
  }
}

/** A static member comes back without its id: it takes its old place over and the old incarnation is fenced. */
function returnStaticMember(draft: GroupDraft, event: Join, old: Member): void {
  const formerLeader = draft.group.leader
  const member = replaceStaticMember(draft, old, event.newMemberId)
  updateAndPark(draft, event, member)
  draft.armSession(draft.group.members.get(member.memberId)!)
  const { state } = draft.group
  if (state === 'PreparingRebalance') {
    completeJoinWhenAllJoined(draft)
  } else if (state === 'Stable' && selectProtocol(draft.group) === draft.group.protocolName) {
    keepGeneration(draft, event, formerLeader ?? '')
  } else {
    // In the sync phase the leader may be assigning to the old member id, so the generation is of no use any more.
    prepareRebalance(draft, because(event, member.memberId, `returned as static member ${old.instanceId}`))
  }
}

/**
 * A returning static member changes nothing in a stable group but its id, which is stored before it is told. A leader
 * that knows SkipAssignment learns that it leads and need not assign; an older client is shown the former leader's id,
 * so that it does not think to lead (KIP-814).
 */
function keepGeneration(draft: GroupDraft, event: Join, formerLeader: string): void {
  const member = draft.group.members.get(event.newMemberId)!
  const success = joinSuccess(draft.group, member)
  const reply = event.request.supportsSkippingAssignment
    ? { ...success, skipAssignment: draft.group.leader === member.memberId }
    : { ...success, leader: formerLeader, members: [] }
  draft.save({ kind: 'static-member', memberId: member.memberId, token: event.token, reply })
}

function updateAndPark(draft: GroupDraft, event: Join, member: Member): void {
  parkJoin(draft, { ...member, ...timeouts(event), protocols: event.request.protocols }, event.token)
}

function updateAndRebalance(draft: GroupDraft, event: Join, member: Member, what: string): void {
  updateAndPark(draft, event, member)
  prepareRebalance(draft, because(event, member.memberId, what))
}

function answerCurrentGeneration(draft: GroupDraft, event: Join, member: Member): void {
  draft.reply(event.token, { kind: 'join', result: joinSuccess(draft.group, member) })
}

function because({ request }: Join, memberId: string, what: string): string {
  return `member ${memberId} ${what}${request.reason ? `, client's reason: ${request.reason.slice(0, 255)}` : ''}`
}
