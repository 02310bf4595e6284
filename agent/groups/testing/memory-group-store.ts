import type { Clock } from '@streamhouse/platform/clock'
import type { GroupLease, GroupOwner, GroupStore } from '../group-store.ts'
import type { PersistedGroup } from '../persisted-group.ts'
import type { CommittedOffset, GroupAddress, OffsetToCommit, PartitionKey } from '../types.ts'

interface Lease {
  readonly owner: GroupOwner
  readonly epoch: bigint
  readonly expiresMs: number
}

/** The store's twin in memory, held to the same contract. `failure` makes every call throw, `hold` keeps writes waiting. */
export class MemoryGroupStore implements GroupStore {
  failure: Error | null = null
  hold: Promise<void> = Promise.resolve()
  readonly #clock: Clock
  readonly #leases = new Map<string, Lease>()
  readonly #groups = new Map<string, PersistedGroup>()
  readonly #offsets = new Map<string, Map<string, CommittedOffset>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async acquire(address: GroupAddress, owner: GroupOwner, durationMs: number) {
    await this.#reach()
    const current = this.#leases.get(key(address))
    const own = current?.owner.incarnation === owner.incarnation
    if (current && !own && current.expiresMs > this.#clock.nowMs())
      return { ownerNodeId: current.owner.nodeId }
    const epoch = own ? current.epoch : (current?.epoch ?? 0n) + 1n
    this.#leases.set(key(address), { owner, epoch, expiresMs: this.#clock.nowMs() + durationMs })
    return { epoch }
  }

  async renew(organizationId: string, owner: GroupOwner, leases: readonly GroupLease[], durationMs: number) {
    await this.#reach()
    return leases.map((lease) => {
      if (lease.organizationId !== organizationId || !this.#holds(lease)) return false
      this.#leases.set(key(lease), { owner, epoch: lease.epoch, expiresMs: this.#clock.nowMs() + durationMs })
      return true
    })
  }

  async release(_owner: GroupOwner, lease: GroupLease) {
    await this.#reach()
    const current = this.#leases.get(key(lease))
    if (current && this.#holds(lease)) this.#leases.set(key(lease), { ...current, expiresMs: 0 })
  }

  async load(address: GroupAddress) {
    await this.#reach()
    return this.#groups.get(key(address)) ?? null
  }

  async saveGeneration(lease: GroupLease, group: PersistedGroup) {
    await this.#reach()
    await this.hold
    if (!this.#holds(lease)) return 'stale-epoch' as const
    this.#groups.set(key(lease), structuredClone(group))
    return 'saved' as const
  }

  async commitOffsets(lease: GroupLease, offsets: readonly OffsetToCommit[]) {
    await this.#reach()
    await this.hold
    if (!this.#holds(lease)) return 'stale-epoch' as const
    const stored = this.#offsets.get(key(lease)) ?? new Map<string, CommittedOffset>()
    this.#offsets.set(key(lease), stored)
    for (const offset of offsets) stored.set(partitionKey(offset), { ...offset })
    return offsets.map(() => 'NONE' as const)
  }

  async fetchOffsets(address: GroupAddress, partitions: readonly PartitionKey[] | null) {
    await this.#reach()
    const stored = this.#offsets.get(key(address)) ?? new Map<string, CommittedOffset>()
    const found = partitions ? partitions.map((each) => stored.get(partitionKey(each))) : [...stored.values()]
    return found.flatMap((offset) => (offset ? [{ ...offset, error: 'NONE' as const }] : []))
  }

  #holds(lease: GroupLease): boolean {
    return this.#leases.get(key(lease))?.epoch === lease.epoch
  }

  async #reach(): Promise<void> {
    if (this.failure) throw this.failure
  }
}

function key({ organizationId, groupId }: GroupAddress): string {
  return JSON.stringify([organizationId, groupId])
}

function partitionKey({ topicId, partition }: PartitionKey): string {
  return `${topicId}/${partition}`
}
