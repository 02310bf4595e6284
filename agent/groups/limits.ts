/** Bounds of the group coordinator. The first four are Kafka's group.* settings of the same name. */
export interface GroupLimits {
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly maxSize: number
  /** How long an empty group waits for more members before its first generation (KIP-134). */
  readonly initialRebalanceDelayMs: number
  /** How long a new member may wait in a join before it is taken for gone. */
  readonly newMemberJoinTimeoutMs: number
  /** Member ids given out by MEMBER_ID_REQUIRED and not used yet. */
  readonly pendingMembersMax: number
  readonly groupIdMaxBytes: number
  readonly instanceIdMaxBytes: number
  readonly protocolsMax: number
  /** Of one member, over all its protocols, and of one member's assignment. */
  readonly memberMetadataMaxBytes: number
  /** Of all members together; the same bounds what a leader assigns. */
  readonly groupMetadataMaxBytes: number
  /** Kafka's offset.metadata.max.bytes. */
  readonly offsetMetadataMaxBytes: number
}

export const defaultGroupLimits: GroupLimits = Object.freeze({
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  maxSize: 1_000,
  initialRebalanceDelayMs: 3_000,
  newMemberJoinTimeoutMs: 300_000,
  pendingMembersMax: 2_000,
  groupIdMaxBytes: 1_024,
  instanceIdMaxBytes: 1_024,
  protocolsMax: 64,
  memberMetadataMaxBytes: 1_048_576,
  groupMetadataMaxBytes: 33_554_432,
  offsetMetadataMaxBytes: 4_096,
})
