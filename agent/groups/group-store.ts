import type { PersistedGroup } from './persisted-group.ts'
import type { FetchedOffset, GroupAddress, GroupErrorName, OffsetToCommit, PartitionKey } from './types.ts'

/** An agent as the holder of leases: a restart is another incarnation. */
export interface GroupOwner {
  readonly nodeId: number
  readonly incarnation: string
}

export interface GroupLease extends GroupAddress {
  /** Grows with every change of owner; every write carries it. */
  readonly epoch: bigint
}

/** A write came with an epoch that is no longer the group's: somebody else coordinates it. Nothing was stored. */
export type StaleEpoch = 'stale-epoch'

/**
 * What of a group outlives its coordinator. Methods throw the store's own errors when it is away; what was asked for
 * may then have been done, and asking again is harmless.
 */
export interface GroupStore {
  /**
   * Takes the group's lease when it is free, expired or already this owner's; otherwise tells who has it. An owner that
   * takes its own lease again keeps the epoch.
   */
  acquire(
    address: GroupAddress,
    owner: GroupOwner,
    durationMs: number,
  ): Promise<{ readonly epoch: bigint } | { readonly ownerNodeId: number }>
  /** Prolongs the leases of one tenant; answers in their order whether the owner still has each. */
  renew(
    organizationId: string,
    owner: GroupOwner,
    leases: readonly GroupLease[],
    durationMs: number,
  ): Promise<readonly boolean[]>
  /** Gives the lease back; harmless when it is another's by now. */
  release(owner: GroupOwner, lease: GroupLease): Promise<void>
  load(address: GroupAddress): Promise<PersistedGroup | null>
  saveGeneration(lease: GroupLease, group: PersistedGroup): Promise<'saved' | StaleEpoch>
  /** Stores the offsets, all or none but those refused one by one; later ones of a partition win. */
  commitOffsets(
    lease: GroupLease,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly GroupErrorName[] | StaleEpoch>
  /** The offsets among the partitions, or all of the group's; those that do not exist are left out. */
  fetchOffsets(
    address: GroupAddress,
    partitions: readonly PartitionKey[] | null,
    requireStable: boolean,
  ): Promise<readonly FetchedOffset[]>
}
