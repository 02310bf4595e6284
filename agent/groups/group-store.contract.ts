import { expect, test } from 'vitest'
import type { GroupLease, GroupOwner, GroupStore } from './group-store.ts'
import type { PersistedGroup } from './persisted-group.ts'
import type { GroupAddress, OffsetToCommit } from './types.ts'

/** What a GroupStore is tried with: organizations and topics that exist, and a way to let leases expire. */
export interface GroupStoreFixture {
  readonly store: GroupStore
  readonly organizationId: string
  readonly otherOrganizationId: string
  /** Topics of the first organization, with at least two partitions each. */
  readonly topics: readonly { readonly topicId: string; readonly name: string }[]
  readonly first: GroupOwner
  readonly second: GroupOwner
  /** Lets this much time pass for leases. */
  readonly pass: (ms: number) => Promise<void>
}

const durationMs = 2_000

const generation: PersistedGroup = {
  state: 'Stable',
  protocolType: 'consumer',
  generationId: 7,
  protocolName: 'range',
  leader: 'm-1',
  members: [
    {
      memberId: 'm-1',
      instanceId: 'i-1',
      clientId: 'c "quoted" ü',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 300_000,
      protocols: [
        { name: 'range', metadata: Uint8Array.from([0, 1, 255, 0]) },
        { name: 'roundrobin', metadata: new Uint8Array(0) },
      ],
      assignment: Uint8Array.from([255, 0, 128]),
    },
    {
      memberId: 'm-2',
      instanceId: null,
      clientId: '',
      clientHost: '/::1',
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 0,
      protocols: [{ name: 'range', metadata: Uint8Array.from([9]) }],
      assignment: new Uint8Array(0),
    },
  ],
}

/** The promises of GroupStore, to be run inside a `describe` against every implementation. */
export function groupStoreContract(fixture: () => GroupStoreFixture): void {
  let number = 0
  const fresh = (): GroupAddress => ({
    organizationId: fixture().organizationId,
    groupId: `contract-${++number}`,
  })
  const take = async (address: GroupAddress, owner: GroupOwner): Promise<GroupLease> => {
    const taken = await fixture().store.acquire(address, owner, durationMs)
    if (!('epoch' in taken)) throw new Error(`The lease is held by node ${taken.ownerNodeId}`)
    return { ...address, epoch: taken.epoch }
  }
  const offset = (partition: number, value: bigint, topic = 0): OffsetToCommit => {
    const { topicId, name } = fixture().topics[topic]!
    return { topicId, topic: name, partition, offset: value, leaderEpoch: 3, metadata: 'é' }
  }

  test('a free lease, acquired, is refused to another owner who learns the holder', async () => {
    const { store, first, second } = fixture()
    const address = fresh()
    const lease = await take(address, first)
    expect(await store.acquire(address, second, durationMs)).toEqual({ ownerNodeId: first.nodeId })
    expect(await take(address, first)).toEqual(lease)
  })

  test('a lease that expired or was given back passes on with a higher epoch', async () => {
    const { store, first, second, pass } = fixture()
    const address = fresh()
    const lease = await take(address, first)
    await pass(durationMs + 500)
    const next = await take(address, second)
    expect(next.epoch).toBeGreaterThan(lease.epoch)
    await store.release(first, lease)
    expect(await store.acquire(address, first, durationMs)).toEqual({ ownerNodeId: second.nodeId })
    await store.release(second, next)
    expect((await take(address, first)).epoch).toBeGreaterThan(next.epoch)
  })

  test('renewing keeps what is held and tells what is lost', async () => {
    const { store, organizationId, first, second, pass } = fixture()
    const kept = await take(fresh(), first)
    const lost = await take(fresh(), first)
    await store.release(first, lost)
    await take({ organizationId, groupId: lost.groupId }, second)
    expect(await store.renew(organizationId, first, [lost, kept], durationMs * 2)).toEqual([false, true])
    await pass(durationMs + 500)
    expect(await store.acquire(kept, second, durationMs)).toEqual({ ownerNodeId: first.nodeId })
    expect(await store.renew(organizationId, first, [], durationMs)).toEqual([])
  })

  test('a generation, saved, is loaded byte for byte; an unknown group is null', async () => {
    const { store, first } = fixture()
    const address = fresh()
    expect(await store.load(address)).toBeNull()
    const lease = await take(address, first)
    expect(await store.saveGeneration(lease, generation)).toBe('saved')
    expect(bytesAsLists(await store.load(address))).toEqual(bytesAsLists(generation))
    const empty: PersistedGroup = {
      ...generation,
      state: 'Empty',
      generationId: 8,
      protocolName: null,
      leader: null,
      members: [],
    }
    expect(await store.saveGeneration(lease, empty)).toBe('saved')
    expect(bytesAsLists(await store.load(address))).toEqual(bytesAsLists(empty))
  })

  test('a write with a stale epoch is refused and changes nothing', async () => {
    const { store, first, second } = fixture()
    const address = fresh()
    const stale = await take(address, first)
    await store.saveGeneration(stale, generation)
    await store.commitOffsets(stale, [offset(0, 5n)])
    await store.release(first, stale)
    await take(address, second)
    expect(await store.saveGeneration(stale, { ...generation, generationId: 9 })).toBe('stale-epoch')
    expect(await store.commitOffsets(stale, [offset(0, 6n)])).toBe('stale-epoch')
    expect((await store.load(address))?.generationId).toBe(7)
    expect((await store.fetchOffsets(address, null, false)).map((each) => each.offset)).toEqual([5n])
  })

  test('offsets are stored per partition, the last one wins, and only asked ones are fetched', async () => {
    const { store, first } = fixture()
    const address = fresh()
    const lease = await take(address, first)
    expect(await store.fetchOffsets(address, null, false)).toEqual([])
    const commits = [offset(0, 1n), offset(1, 9_223_372_036_854_775_807n), offset(0, 2n, 1), offset(0, 3n)]
    expect(await store.commitOffsets(lease, commits)).toEqual(['NONE', 'NONE', 'NONE', 'NONE'])
    const all = await store.fetchOffsets(address, null, true)
    expect(all.map((each) => [each.topic, each.partition, each.offset]).sort()).toEqual(
      [commits[3]!, commits[1]!, commits[2]!].map((each) => [each.topic, each.partition, each.offset]).sort(),
    )
    const asked = [offset(0, 0n), offset(1, 0n, 1)]
    expect(await store.fetchOffsets(address, asked, false)).toEqual([{ ...commits[3]!, error: 'NONE' }])
    expect(await store.fetchOffsets(address, [], false)).toEqual([])
  })

  test('the same group id of another organization is another group', async () => {
    const { store, otherOrganizationId, first, second } = fixture()
    const address = fresh()
    const other = { ...address, organizationId: otherOrganizationId }
    const lease = await take(address, first)
    await store.saveGeneration(lease, generation)
    await store.commitOffsets(lease, [offset(0, 5n)])
    await take(other, second)
    expect(await store.load(other)).toBeNull()
    expect(await store.fetchOffsets(other, null, false)).toEqual([])
  })
}

/** Buffers and other byte arrays count as equal when their bytes are. */
function bytesAsLists(group: PersistedGroup | null): unknown {
  return JSON.parse(JSON.stringify(group, (_, value) => (isBytes(value) ? bytesOf(value) : value)))
}

function isBytes(value: unknown): value is Uint8Array | { type: 'Buffer'; data: number[] } {
  return (
    value instanceof Uint8Array ||
    (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer')
  )
}

function bytesOf(value: Uint8Array | { type: 'Buffer'; data: number[] }): number[] {
  return value instanceof Uint8Array ? [...value] : value.data
}
