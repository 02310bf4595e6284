import type { GroupCoordinatorOptions } from './coordinator.ts'
import { emptyGroup } from './group.ts'
import { LiveGroup } from './live-group.ts'
import { restoreGroup } from './persisted-group.ts'
import type { GroupAddress, GroupErrorName } from './types.ts'

type Found = { readonly live: LiveGroup } | { readonly error: GroupErrorName }

interface Slot {
  readonly address: GroupAddress
  readonly found: Promise<Found>
  /** Null while the group is being loaded or let go. */
  live: LiveGroup | null
  renewedMs: number
  /** Set once the group is being let go. */
  released: Promise<void> | null
}

/** The groups this agent holds leases of, each loaded on first use and let go when it is idle, lost or moved. */
export class LoadedGroups {
  readonly #options: GroupCoordinatorOptions
  /** By organization, then by group id in order of loading. */
  readonly #tenants = new Map<string, Map<string, Slot>>()
  #closed = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
  }

  loaded({ organizationId, groupId }: GroupAddress): LiveGroup | null {
    return this.#tenants.get(organizationId)?.get(groupId)?.live ?? null
  }

  /** The group, loaded if need be. Throws what the store throws; the next call then tries again. */
  async find(address: GroupAddress): Promise<Found> {
    const { organizationId, groupId } = address
    const existing = this.#tenants.get(organizationId)?.get(groupId)
    if (existing) return existing.live ? { live: existing.live } : existing.found
    if (!this.#makeRoom(organizationId)) return { error: 'COORDINATOR_NOT_AVAILABLE' }
    const { promise, resolve, reject } = Promise.withResolvers<Found>()
    const slot: Slot = {
      address: { organizationId, groupId },
      found: promise,
      live: null,
      renewedMs: this.#options.clock.monotonicMs(),
      released: null,
    }
    this.#put(slot)
    this.#load(slot).then(resolve, reject)
    return promise
  }

  /** Renews the leases and lets go of groups that are lost, moved elsewhere, or empty and idle. */
  async upkeep(): Promise<void> {
    for (const [organizationId, slots] of [...this.#tenants]) {
      const held = [...slots.values()].filter((slot) => slot.live !== null)
      for (const slot of held) {
        if (!slot.live) continue
        const idleMs = slot.live.idleMs(this.#options.clock.monotonicMs())
        const idle = slot.live.disposable && idleMs >= this.#options.emptyGroupIdleMs
        if (idle || !this.#options.isPlacedHere(slot.address)) await this.#release(slot)
      }
      await this.#renew(
        organizationId,
        held.filter((slot) => slot.live !== null && !slot.released),
      )
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const slots = [...this.#tenants.values()].flatMap((each) => [...each.values()])
    await Promise.allSettled(slots.map((slot) => slot.found))
    await Promise.all(slots.map((slot) => this.#release(slot)))
  }

  async #load(slot: Slot): Promise<Found> {
    const { store, owner, clock, leaseDurationMs } = this.#options
    try {
      const acquired = await store.acquire(slot.address, owner, leaseDurationMs)
      if ('ownerNodeId' in acquired) {
        this.#forget(slot)
        return { error: 'NOT_COORDINATOR' }
      }
      const stored = await store.load(slot.address)
      const nowMs = clock.nowMs()
      const { groupId } = slot.address
      const { group, effects } = stored
        ? restoreGroup(groupId, stored, nowMs)
        : { group: emptyGroup(groupId, nowMs), effects: [] }
      const lease = { ...slot.address, epoch: acquired.epoch }
      const onLost = () => this.#lose(slot)
      slot.live = new LiveGroup({ ...this.#options, lease, onLost }, group, effects)
      return { live: slot.live }
    } catch (error) {
      this.#forget(slot)
      throw error
    }
  }

  async #renew(organizationId: string, slots: readonly Slot[]): Promise<void> {
    const { store, owner, clock, leaseDurationMs, log } = this.#options
    if (slots.length === 0) return
    const askedMs = clock.monotonicMs()
    try {
      const leases = slots.map((slot) => slot.live!.lease)
      const renewed = await store.renew(organizationId, owner, leases, leaseDurationMs)
      for (const [index, slot] of slots.entries()) {
        if (renewed[index]) slot.renewedMs = askedMs
        else this.#lose(slot)
      }
    } catch (error) {
      log.warn('Leases of groups could not be renewed', { organizationId, groups: slots.length, error })
      // Writes are fenced by their epoch anyway; this is so that members do not stay with a coordinator that is none.
      for (const slot of slots) {
        if (clock.monotonicMs() - slot.renewedMs > leaseDurationMs) this.#lose(slot)
      }
    }
  }

  /** The lease is another's: the group goes at once, and nothing of it is written. */
  #lose(slot: Slot): void {
    const { live } = slot
    if (!live) return
    this.#options.log.warn('A group is coordinated elsewhere now', { ...slot.address })
    slot.live = null
    this.#forget(slot)
    void live.unload()
  }

  /** Sends the members away, waits for the writes that are under way, and gives the lease back. */
  #release(slot: Slot): Promise<void> {
    if (slot.live) slot.released ??= this.#giveBack(slot, slot.live)
    return slot.released ?? Promise.resolve()
  }

  async #giveBack(slot: Slot, live: LiveGroup): Promise<void> {
    const { store, owner, log } = this.#options
    await live.unload()
    try {
      await store.release(owner, live.lease)
    } catch (error) {
      log.warn('The lease of a group could not be given back; it expires', { ...slot.address, error })
    }
    slot.live = null
    this.#forget(slot)
  }

  /** Keeps a tenant within its bound by letting go of its oldest group that is empty; false when there is none. */
  #makeRoom(organizationId: string): boolean {
    if (this.#closed) return false
    const slots = this.#tenants.get(organizationId)
    if (!slots || slots.size < this.#options.groupsPerTenantMax) return true
    for (const slot of slots.values()) {
      if (!slot.live?.disposable || slot.released) continue
      void this.#release(slot)
      return slots.size < this.#options.groupsPerTenantMax * 2
    }
    return false
  }

  #put(slot: Slot): void {
    const { organizationId, groupId } = slot.address
    const slots = this.#tenants.get(organizationId) ?? new Map<string, Slot>()
    this.#tenants.set(organizationId, slots.set(groupId, slot))
  }

  #forget(slot: Slot): void {
    const { organizationId, groupId } = slot.address
    const slots = this.#tenants.get(organizationId)
    if (slots?.get(groupId) !== slot) return
    slots.delete(groupId)
    if (slots.size === 0) this.#tenants.delete(organizationId)
  }
}
