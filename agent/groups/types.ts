/** Names of the Kafka errors that the group coordinator answers with; `NONE` is success. */
export type GroupErrorName =
  | 'NONE'
  | 'COORDINATOR_NOT_AVAILABLE'
  | 'FENCED_INSTANCE_ID'
  | 'GROUP_ID_NOT_FOUND'
  | 'GROUP_MAX_SIZE_REACHED'
  | 'ILLEGAL_GENERATION'
  | 'INCONSISTENT_GROUP_PROTOCOL'
  | 'INVALID_GROUP_ID'
  | 'INVALID_REQUEST'
  | 'INVALID_SESSION_TIMEOUT'
  | 'MEMBER_ID_REQUIRED'
  | 'NOT_COORDINATOR'
  | 'OFFSET_METADATA_TOO_LARGE'
  | 'REBALANCE_IN_PROGRESS'
  | 'UNKNOWN_MEMBER_ID'
  | 'UNKNOWN_TOPIC_ID'
  | 'UNKNOWN_TOPIC_OR_PARTITION'
  | 'UNSTABLE_OFFSET_COMMIT'

/** Where a request goes: a group of a tenant. */
export interface GroupAddress {
  readonly organizationId: string
  readonly groupId: string
}

/** A protocol (an assignor, for consumers) that a member can follow, with its opaque subscription. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface JoinRequest extends GroupAddress {
  /** Empty on the first join of a client. */
  readonly memberId: string
  /** Set by static members (KIP-345). */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  /** Negative when the client has none (version 0); the session timeout then stands in. */
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** In the member's order of preference. */
  readonly protocols: readonly MemberProtocol[]
  /** Whether the client knows MEMBER_ID_REQUIRED (version 4, KIP-394). */
  readonly requiresKnownMemberId: boolean
  /** Whether the client knows SkipAssignment (version 9, KIP-814). */
  readonly supportsSkippingAssignment: boolean
  /** Why the client joins (KIP-800). */
  readonly reason: string | null
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly metadata: Uint8Array
}

export interface JoinResult {
  readonly error: GroupErrorName
  readonly memberId: string
  /** -1 on an error. */
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** Member id of the leader, or empty. */
  readonly leader: string
  readonly skipAssignment: boolean
  /** For the leader only. */
  readonly members: readonly JoinedMember[]
}

export interface MemberAssignment {
  readonly memberId: string
  readonly assignment: Uint8Array
}

export interface SyncRequest extends GroupAddress {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
  /** Null from clients before version 5 (KIP-559). */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** From the leader only. */
  readonly assignments: readonly MemberAssignment[]
}

export interface SyncResult {
  readonly error: GroupErrorName
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Uint8Array
}

export interface HeartbeatRequest extends GroupAddress {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
}

export interface HeartbeatResult {
  readonly error: GroupErrorName
}

export interface LeavingMember {
  /** Empty when an administrator removes a static member by its instance id. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly reason: string | null
}

export interface LeaveRequest extends GroupAddress {
  readonly members: readonly LeavingMember[]
}

export interface LeaveResult {
  readonly error: GroupErrorName
  /** One per member of the request, in its order; empty when the whole request failed. */
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly error: GroupErrorName
  }[]
}

/** The offset of one partition to remember for a group. */
export interface OffsetToCommit {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface OffsetCommitRequest extends GroupAddress {
  readonly memberId: string
  readonly instanceId: string | null
  /** Negative from clients outside the membership protocol: administrators and simple consumers. */
  readonly generationId: number
  /** Transactional commits are not bound to the group's state. */
  readonly transactional: boolean
  /** Whether the client knows GROUP_ID_NOT_FOUND here (version 9). */
  readonly reportsMissingGroup: boolean
  readonly offsets: readonly OffsetToCommit[]
}

export interface OffsetCommitResult {
  /** When it is not NONE, no offset was stored and `results` is empty. */
  readonly error: GroupErrorName
  /** One per offset of the request, in its order. */
  readonly results: readonly GroupErrorName[]
}

export interface PartitionKey {
  readonly topicId: string
  readonly partition: number
}

export interface CommittedOffset {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface OffsetFetchRequest extends GroupAddress {
  /** Null asks for every partition that has an offset. */
  readonly partitions: readonly PartitionKey[] | null
  /** Answer UNSTABLE_OFFSET_COMMIT for partitions with an offset in an open transaction (KIP-447). */
  readonly requireStable: boolean
}

export interface FetchedOffset extends CommittedOffset {
  readonly error: GroupErrorName
}

export interface OffsetFetchResult {
  readonly error: GroupErrorName
  /** The partitions that have an offset, or an error of their own; others have none. */
  readonly offsets: readonly FetchedOffset[]
}
