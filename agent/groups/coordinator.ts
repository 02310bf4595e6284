import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { Random } from '@streamhouse/platform/random'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import { commitRequest, heldJoin, heldSync, newMemberId } from './coordinator-requests.ts'
import type { GroupOwner, GroupStore } from './group-store.ts'
import type { GroupLimits } from './limits.ts'
import { LoadedGroups } from './loaded-groups.ts'
import { joinError } from './replies.ts'
import { refuseGroupId } from './request-bounds.ts'
import type {
  GroupAddress,
  GroupErrorName,
  HeartbeatRequest,
  HeartbeatResult,
  JoinRequest,
  JoinResult,
  LeaveRequest,
  LeaveResult,
  OffsetCommitRequest,
  OffsetCommitResult,
  OffsetFetchRequest,
  OffsetFetchResult,
  SyncRequest,
  SyncResult,
} from './types.ts'
import { describeGroup, type GroupDescription } from './views.ts'

export interface GroupCoordinatorOptions {
  readonly store: GroupStore
  readonly owner: GroupOwner
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  readonly limits: GroupLimits
  /** Whether rendezvous hashing names this agent for the group, by what is known of the live agents now. */
  readonly isPlacedHere: (address: GroupAddress) => boolean
  /** How long a lease lasts without being renewed. */
  readonly leaseDurationMs: number
  /** How often leases are renewed, and idle and moved groups let go; well below the duration. */
  readonly upkeepIntervalMs: number
  readonly groupsPerTenantMax: number
  /** How long an empty group that nobody asks for stays in memory. */
  readonly emptyGroupIdleMs: number
  readonly queuedWritesMax: number
}

/**
 * Coordinates the groups that are placed on this agent. Results carry Kafka's error names; what the store throws when
 * it is away goes through, to be answered as COORDINATOR_NOT_AVAILABLE.
 */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  readonly #groups: LoadedGroups
  #upkeep: Timer | null = null
  #closed = false

  constructor(options: GroupCoordinatorOptions) {
    if (options.upkeepIntervalMs * 2 > options.leaseDurationMs) {
      throw new RangeError(
        `Leases of ${options.leaseDurationMs} ms must be renewed at least twice in that time`,
      )
    }
    this.#options = options
    this.#groups = new LoadedGroups(options)
    this.#scheduleUpkeep()
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    const found = await this.#find(request)
    if ('error' in found) return joinError(found.error, request.memberId)
    const held = heldJoin(request)
    const memberId = newMemberId(this.#options.random, request)
    return found.live.request('join', (token) => ({
      type: 'join',
      token,
      request: held,
      newMemberId: memberId,
    }))
  }

  async sync(request: SyncRequest): Promise<SyncResult> {
    const found = await this.#find(request)
    if ('error' in found) {
      return { error: found.error, protocolType: null, protocolName: null, assignment: new Uint8Array(0) }
    }
    const held = heldSync(request)
    return found.live.request('sync', (token) => ({ type: 'sync', token, request: held }))
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    const found = await this.#find(request)
    if ('error' in found) return { error: found.error }
    return found.live.request('heartbeat', (token) => ({ type: 'heartbeat', token, request }))
  }

  async leave(request: LeaveRequest): Promise<LeaveResult> {
    const found = await this.#find(request)
    if ('error' in found) return { error: found.error, members: [] }
    return found.live.request('leave', (token) => ({ type: 'leave', token, request }))
  }

  /** As in Kafka, offsets may be committed and fetched under an empty group id. */
  async commitOffsets(request: OffsetCommitRequest): Promise<OffsetCommitResult> {
    const found = await this.#find(request, true)
    if ('error' in found) return { error: found.error, results: [] }
    const { live } = found
    const { error } = await live.request('commit', (token) => ({ type: 'commit', token, request }))
    if (error !== 'NONE') return { error, results: [] }
    return commitRequest(live, request.offsets, this.#options.limits.offsetMetadataMaxBytes)
  }

  /** Reads from the store, which is the truth at any agent; only clients are kept to the one coordinator. */
  async fetchOffsets(request: OffsetFetchRequest): Promise<OffsetFetchResult> {
    const refused = this.#refuse(request, true)
    if (refused) return { error: refused, offsets: [] }
    const { partitions, requireStable } = request
    return {
      error: 'NONE',
      offsets: await this.#options.store.fetchOffsets(request, partitions, requireStable),
    }
  }

  /** The group as it is in memory; null when this agent does not have it loaded. */
  describe(address: GroupAddress): GroupDescription | null {
    const live = this.#groups.loaded(address)
    return live ? describeGroup(live.group) : null
  }

  /** Sends all members away and gives the leases back. */
  async close(): Promise<void> {
    this.#closed = true
    this.#upkeep?.cancel()
    await this.#groups.close()
  }

  async #find(address: GroupAddress, mayBeEmpty = false) {
    const refused = this.#refuse(address, mayBeEmpty)
    return refused ? { error: refused } : this.#groups.find(address)
  }

  #refuse(address: GroupAddress, mayBeEmpty: boolean): GroupErrorName | null {
    if (this.#closed) return 'NOT_COORDINATOR'
    const invalid = refuseGroupId(address.groupId, this.#options.limits, mayBeEmpty)
    if (invalid) return invalid
    if (this.#groups.loaded(address) || this.#options.isPlacedHere(address)) return null
    return 'NOT_COORDINATOR'
  }

  #scheduleUpkeep(): void {
    this.#upkeep = this.#options.timers.after(this.#options.upkeepIntervalMs, () => {
      void this.#groups.upkeep().finally(() => {
        if (!this.#closed) this.#scheduleUpkeep()
      })
    })
  }
}
