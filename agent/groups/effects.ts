import type { RequestToken } from './group.ts'
import type { PersistedGroup } from './persisted-group.ts'
import type { GroupErrorName, HeartbeatResult, JoinResult, LeaveResult, SyncResult } from './types.ts'

/** The timers of a group: one per member, one for the join phase, one for the sync phase. */
export type GroupTimer =
  | { readonly kind: 'session'; readonly memberId: string }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'sync' }

/** What each kind of request is answered with. */
export interface ReplyResults {
  join: JoinResult
  sync: SyncResult
  heartbeat: HeartbeatResult
  leave: LeaveResult
  commit: { readonly error: GroupErrorName }
}

export type Reply = {
  readonly [Kind in keyof ReplyResults]: { readonly kind: Kind; readonly result: ReplyResults[Kind] }
}[keyof ReplyResults]

/** What the driver must do after a step, in this order. */
export type Effect =
  | { readonly type: 'reply'; readonly token: RequestToken; readonly reply: Reply }
  /** Starts the timer, or starts it anew; it comes back as an `expired` event. */
  | { readonly type: 'arm'; readonly timer: GroupTimer; readonly delayMs: number }
  | { readonly type: 'disarm'; readonly timer: GroupTimer }
  /** Stores the group; comes back as a `saved` event with the same number, always. */
  | { readonly type: 'save'; readonly save: number; readonly group: PersistedGroup }
  /** For logs and metrics. */
  | { readonly type: 'rebalance-started'; readonly generationId: number; readonly reason: string }
  | { readonly type: 'generation-stable'; readonly generationId: number; readonly members: number }
