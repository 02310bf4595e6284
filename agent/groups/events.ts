import type { GroupTimer } from './effects.ts'
import type { RequestToken } from './group.ts'
import type {
  GroupErrorName,
  HeartbeatRequest,
  JoinRequest,
  LeaveRequest,
  OffsetCommitRequest,
  SyncRequest,
} from './types.ts'

type WithoutAddress<Request> = Omit<Request, 'organizationId' | 'groupId'>

/** Everything that can happen to a group. */
export interface GroupEvents {
  join: {
    readonly type: 'join'
    readonly token: RequestToken
    readonly request: WithoutAddress<JoinRequest>
    /** The id to give to the member if it has none. */
    readonly newMemberId: string
  }
  sync: {
    readonly type: 'sync'
    readonly token: RequestToken
    readonly request: WithoutAddress<SyncRequest>
  }
  heartbeat: {
    readonly type: 'heartbeat'
    readonly token: RequestToken
    readonly request: WithoutAddress<HeartbeatRequest>
  }
  leave: {
    readonly type: 'leave'
    readonly token: RequestToken
    readonly request: WithoutAddress<LeaveRequest>
  }
  /** Asks whether offsets may be committed; the offsets themselves are the driver's. */
  commit: {
    readonly type: 'commit'
    readonly token: RequestToken
    readonly request: Omit<WithoutAddress<OffsetCommitRequest>, 'offsets'>
  }
  sessionExpired: { readonly type: 'sessionExpired'; readonly memberId: string }
  rebalanceExpired: { readonly type: 'rebalanceExpired' }
  syncExpired: { readonly type: 'syncExpired' }
  /** The answer of the store to a `save` effect. */
  saved: { readonly type: 'saved'; readonly save: number; readonly error: GroupErrorName }
  /** The coordinator gives the group up: moved away, idle, or shutting down. */
  unload: { readonly type: 'unload' }
}

export type GroupEventType = keyof GroupEvents
export type GroupEvent = GroupEvents[GroupEventType]

/** The event that the expiry of a timer is. */
export function timerEvent(timer: GroupTimer): GroupEvent {
  switch (timer.kind) {
    case 'session':
      return { type: 'sessionExpired', memberId: timer.memberId }
    case 'rebalance':
      return { type: 'rebalanceExpired' }
    case 'sync':
      return { type: 'syncExpired' }
  }
}
