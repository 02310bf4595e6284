import type { JoinResult, MemberAssignment, MemberProtocol } from './types.ts'

/** Kafka's names, as DescribeGroups and ListGroups show them. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** Names a request that waits for its reply; means nothing to the core. */
export type RequestToken = number

export interface Member {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocols: readonly MemberProtocol[]
  readonly assignment: Uint8Array
  /** Has not finished its first join: it cannot heartbeat yet, so waiting does not keep it alive. */
  readonly isNew: boolean
  /** The JoinGroup that waits for the generation. */
  readonly join: RequestToken | null
  /** The SyncGroup that waits for the assignment. */
  readonly sync: RequestToken | null
}

/** A save on its way to the store, and what it decides. */
export type PendingSave =
  | {
      readonly kind: 'assignment'
      readonly generationId: number
      readonly assignments: readonly MemberAssignment[]
    }
  | {
      readonly kind: 'static-member'
      readonly memberId: string
      readonly token: RequestToken
      readonly reply: JoinResult
    }
  | { readonly kind: 'emptied' }

/** A consumer group in the memory of its coordinator. */
export interface Group {
  readonly groupId: string
  readonly state: GroupState
  readonly stateSinceMs: number
  /** False until a client creates the group: a group that was only asked about does not exist. */
  readonly exists: boolean
  readonly generationId: number
  /** Kept when the group empties. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string | null
  /** By member id, in order of arrival. */
  readonly members: ReadonlyMap<string, Member>
  /** Member ids given out with MEMBER_ID_REQUIRED that have not joined yet. */
  readonly pendingJoins: ReadonlySet<string>
  /** Members of this generation that have not sent SyncGroup. */
  readonly pendingSyncs: ReadonlySet<string>
  /** While the first generation gathers members (KIP-134); null in every other rebalance. */
  readonly initialDelay: {
    readonly delayMs: number
    readonly remainingMs: number
    readonly memberAdded: boolean
  } | null
  readonly saves: ReadonlyMap<number, PendingSave>
  readonly nextSave: number
}

/** A group that nobody has joined. */
export function emptyGroup(groupId: string, nowMs: number): Group {
  return {
    groupId,
    state: 'Empty',
    stateSinceMs: nowMs,
    exists: false,
    generationId: 0,
    protocolType: null,
    protocolName: null,
    leader: null,
    members: new Map(),
    pendingJoins: new Set(),
    pendingSyncs: new Set(),
    initialDelay: null,
    saves: new Map(),
    nextSave: 1,
  }
}
