import type { Database } from '@streamhouse/platform/database'
import {
  commitGroupOffsets,
  fetchGroupOffsets,
  groupLeaseName,
  loadGroup,
  saveGroup,
} from '@streamhouse/storage/metadata/groups'
import { releaseLease, renewLeases, takeLease } from '@streamhouse/storage/metadata/leases'
import type { GroupLease, GroupOwner, GroupStore, StaleEpoch } from './group-store.ts'
import type { PersistedGroup, PersistedMember } from './persisted-group.ts'
import type { FetchedOffset, GroupAddress, GroupErrorName, OffsetToCommit, PartitionKey } from './types.ts'

/** Bytes become base64 text in the database's json. */
interface StoredMember extends Omit<PersistedMember, 'protocols' | 'assignment'> {
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
  readonly assignment: string
}
type StoredGroup = Omit<PersistedGroup, 'members'> & { readonly members: readonly StoredMember[] }

/** Groups in the metadata database. */
export class MetadataGroupStore implements GroupStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async acquire(
    { organizationId, groupId }: GroupAddress,
    owner: GroupOwner,
    durationMs: number,
  ): Promise<{ readonly epoch: bigint } | { readonly ownerNodeId: number }> {
    const taken = await takeLease(this.#database, organizationId, groupLeaseName(groupId), owner, durationMs)
    return 'holder' in taken ? { ownerNodeId: taken.holder } : taken
  }

  renew(
    organizationId: string,
    owner: GroupOwner,
    leases: readonly GroupLease[],
    durationMs: number,
  ): Promise<readonly boolean[]> {
    return renewLeases(this.#database, organizationId, owner, leases.map(nameOf), durationMs)
  }

  release(owner: GroupOwner, lease: GroupLease): Promise<void> {
    return releaseLease(this.#database, lease.organizationId, owner, nameOf(lease))
  }

  async load({ organizationId, groupId }: GroupAddress): Promise<PersistedGroup | null> {
    const state = await loadGroup(this.#database, organizationId, groupId)
    return state === null ? null : fromStored(state as unknown as StoredGroup)
  }

  async saveGeneration(lease: GroupLease, group: PersistedGroup): Promise<'saved' | StaleEpoch> {
    const saved = await saveGroup(this.#database, lease.organizationId, lease.groupId, lease.epoch, {
      generation: group.generationId,
      protocolType: group.protocolType,
      state: toStored(group),
    })
    return saved ? 'saved' : 'stale-epoch'
  }

  async commitOffsets(
    lease: GroupLease,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly GroupErrorName[] | StaleEpoch> {
    const { organizationId, groupId, epoch } = lease
    const committed = await commitGroupOffsets(this.#database, organizationId, groupId, epoch, offsets)
    return committed ? offsets.map(() => 'NONE') : 'stale-epoch'
  }

  async fetchOffsets(
    { organizationId, groupId }: GroupAddress,
    partitions: readonly PartitionKey[] | null,
  ): Promise<readonly FetchedOffset[]> {
    const offsets = await fetchGroupOffsets(this.#database, organizationId, groupId)
    const wanted =
      partitions && new Set(partitions.map(({ topicId, partition }) => `${topicId}/${partition}`))
    return offsets
      .filter(({ topicId, partition }) => wanted === null || wanted.has(`${topicId}/${partition}`))
      .map((offset) => ({ ...offset, error: 'NONE' }))
  }
}

function nameOf(lease: GroupLease): { name: string; epoch: bigint } {
  return { name: groupLeaseName(lease.groupId), epoch: lease.epoch }
}

function toStored(group: PersistedGroup): StoredGroup {
  return {
    ...group,
    members: group.members.map((member) => ({
      ...member,
      protocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: toText(metadata) })),
      assignment: toText(member.assignment),
    })),
  }
}

function fromStored(stored: StoredGroup): PersistedGroup {
  return {
    ...stored,
    members: stored.members.map((member) => ({
      ...member,
      protocols: member.protocols.map(({ name, metadata }) => ({
        name,
        metadata: Buffer.from(metadata, 'base64'),
      })),
      assignment: Buffer.from(member.assignment, 'base64'),
    })),
  }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
