import type { Clock } from '@streamhouse/platform/clock'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { OperatorError } from '../errors.ts'
import type { KubernetesApi } from '../sources/kubernetes/api.ts'

export interface LeadershipOptions {
  readonly api: KubernetesApi
  readonly namespace: string
  /** Name of the Lease. */
  readonly name: string
  /** Who we are, different in every process. */
  readonly identity: string
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  /** How long a leader that is silent stays leader. */
  readonly leaseMs?: number
  /** How long a leader that cannot renew goes on. */
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
}

interface Lease {
  readonly metadata: { readonly resourceVersion?: string }
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/**
 * Elects one of several processes by a Lease. A lease counts as expired when it has not changed for its duration by our own
 * clock, so that clocks need not agree.
 */
export class Leadership {
  readonly #options: Required<LeadershipOptions>
  readonly #path: string
  #seen: { readonly version: string; readonly atMs: number } | null = null

  constructor(options: LeadershipOptions) {
    this.#options = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, ...options }
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(options.namespace)}/leases`
  }

  /**
   * Waits to become leader, then runs `lead` with a signal that is aborted when leadership is lost or `signal` is; gives the
   * lease back afterwards. Returns when `signal` is aborted; rejects with LeadershipLost when another took over.
   */
  async run(signal: AbortSignal, lead: (leading: AbortSignal) => Promise<void>): Promise<void> {
    const { timers, retryMs, random } = this.#options
    while (!(await this.#attempt(signal))) {
      if (signal.aborted) return
      await timers.sleep(retryMs + random.fraction() * retryMs * 0.2, signal).catch(() => undefined)
      if (signal.aborted) return
    }
    const lost = new AbortController()
    const leading = AbortSignal.any([signal, lost.signal])
    const renewing = this.#renew(leading, lost)
    try {
      await lead(leading)
    } finally {
      const wasLost = lost.signal.aborted
      lost.abort(new OperatorError('LeadershipLost', 'The lease was given back'))
      await renewing
      if (!wasLost) await this.#release()
    }
    if (!signal.aborted) lost.signal.throwIfAborted()
  }

  async #renew(leading: AbortSignal, lost: AbortController): Promise<void> {
    const { timers, clock, retryMs, renewDeadlineMs, identity } = this.#options
    let renewedMs = clock.monotonicMs()
    while (!leading.aborted) {
      await timers.sleep(retryMs, leading).catch(() => undefined)
      if (leading.aborted) return
      const triedMs = clock.monotonicMs()
      const leftMs = renewDeadlineMs - (triedMs - renewedMs)
      const deadline = new AbortController()
      const timer = timers.after(Math.max(leftMs, 0), () =>
        deadline.abort(new Error('The deadline has passed')),
      )
      const held = await this.#attempt(AbortSignal.any([leading, deadline.signal])).finally(() =>
        timer.cancel(),
      )
      if (held) renewedMs = triedMs
      else if (this.#othersLease || clock.monotonicMs() - renewedMs >= renewDeadlineMs) {
        lost.abort(
          new OperatorError('LeadershipLost', `${identity} no longer holds the lease ${this.#options.name}`),
        )
      }
    }
  }

  /** Whether the last lease read names another holder. */
  #othersLease = false

  /** Takes or renews the lease; false when another has it, or the API server does not answer. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    try {
      const lease = await this.#read(signal)
      if (lease === null) {
        await this.#write('POST', this.#path, { metadata: { name: this.#options.name } }, 0, signal)
        return true
      }
      const holder = lease.spec?.holderIdentity ?? ''
      this.#othersLease = holder !== '' && holder !== this.#options.identity
      if (this.#othersLease && !this.#isExpired(lease)) return false
      const transitions = (lease.spec?.leaseTransitions ?? 0) + (holder === this.#options.identity ? 0 : 1)
      await this.#write('PUT', `${this.#path}/${this.#options.name}`, lease, transitions, signal)
      this.#othersLease = false
      return true
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'Forbidden') throw error
      return false
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | null> {
    try {
      return (await this.#options.api.request({
        method: 'GET',
        path: `${this.#path}/${this.#options.name}`,
        signal,
      })) as Lease
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'NotFound') return null
      throw error
    }
  }

  #isExpired(lease: Lease): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    const version = lease.metadata.resourceVersion ?? ''
    if (this.#seen?.version !== version) this.#seen = { version, atMs: nowMs }
    return nowMs - this.#seen.atMs >= (lease.spec?.leaseDurationSeconds ?? 0) * 1_000
  }

  async #write(
    method: 'POST' | 'PUT',
    path: string,
    lease: { readonly metadata: unknown; readonly spec?: Lease['spec'] },
    leaseTransitions: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { identity, leaseMs, clock } = this.#options
    const now = microTime(clock.nowMs())
    const renewed = lease.spec?.holderIdentity === identity
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1_000),
      acquireTime: renewed ? (lease.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions,
    }
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease.metadata, spec }
    await this.#options.api.request({ method, path, body, signal })
  }

  /** Lets another process take over at once. */
  async #release(): Promise<void> {
    const { timers, identity, clock, name } = this.#options
    const limit = new AbortController()
    const timer = timers.after(2_000, () => limit.abort(new Error('Releasing the lease took too long')))
    try {
      const lease = await this.#read(limit.signal)
      if (lease?.spec?.holderIdentity !== identity) return
      const now = microTime(clock.nowMs())
      const spec = {
        ...lease.spec,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: now,
        acquireTime: now,
      }
      const body = { ...lease, spec }
      await this.#options.api.request({
        method: 'PUT',
        path: `${this.#path}/${name}`,
        body,
        signal: limit.signal,
      })
    } catch {
      // It expires by itself.
    } finally {
      timer.cancel()
    }
  }
}

/** RFC 3339 with microseconds, which Leases insist on. */
function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z')
}
