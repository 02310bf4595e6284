import { isDeepStrictEqual } from 'node:util'
import type { Organization } from '@streamhouse/storage/metadata/organizations'
import { type Finding, hasReason } from '../apply/conditions.ts'
import { isSettled, type StatusWriter } from '../apply/status.ts'
import { type DesiredTenant, desiredTenant, tenantIdOf } from '../desired/tenant.ts'
import { OperatorError } from '../errors.ts'
import type { OperatorMetrics } from '../metrics.ts'
import { type Tenant, type TenantStatus, tenantDefinition } from '../resources/generated/tenant.ts'
import { type Topic, topicDefinition } from '../resources/generated/topic.ts'
import {
  forceFinalizeAnnotation,
  isAnnotated,
  keyText,
  pausedAnnotation,
  type ResourceKey,
} from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'
import type { TenantCatalog } from './catalogs.ts'
import { pausedFinding, refusal, unavailableFindings } from './findings.ts'
import { findHolder, isOlder, nameFor, ownerKey, ownerOf } from './ownership.ts'
import type { Enqueue, Outcome, Reconciler } from './reconciler.ts'
import { ResourceIndex } from './resource-index.ts'
import type { Signal } from './signal.ts'

export interface TenantReconcilerOptions {
  readonly source: ResourceSource
  readonly catalog: TenantCatalog
  readonly status: StatusWriter
  readonly metrics: OperatorMetrics
  readonly topicsOfTenant: ResourceIndex<Topic>
  /** Told when something changed that the tenant's topics depend on. */
  readonly tenantSaved: Signal<ResourceKey>
  /** Tells when the number of topics or partitions of a tenant changed. */
  readonly usageChanged: Signal<ResourceKey>
}

export const tenantFinalizer = 'streamhouse.io/tenant'
const maxDependents = 10
/** A tenant's usage is refreshed at most this often. */
const usageDelayMs = 60_000

/** Makes an organization out of each Tenant. */
export class TenantReconciler implements Reconciler {
  readonly definition = tenantDefinition
  readonly #options: TenantReconcilerOptions
  readonly #namesakes: ResourceIndex<Tenant>

  constructor(options: TenantReconcilerOptions) {
    this.#options = options
    this.#namesakes = new ResourceIndex(options.source, tenantDefinition, tenantIdOf)
  }

  watch(enqueue: Enqueue): void {
    const { source, usageChanged } = this.#options
    usageChanged.subscribe((key) => enqueue(key, usageDelayMs))
    source.subscribe(topicDefinition, ({ key }) => {
      if (source.get(topicDefinition, key) !== null) return
      for (const tenant of source.list(tenantDefinition)) {
        if (tenant.metadata.deletionTimestamp !== undefined) enqueue(tenant.metadata)
      }
    })
    source.subscribe(tenantDefinition, ({ key }) => {
      if (source.get(tenantDefinition, key) !== null) return
      for (const tenant of source.list(tenantDefinition)) {
        if (hasReason(tenant, 'Accepted', 'Conflict')) enqueue(tenant.metadata)
      }
    })
  }

  async reconcile(key: ResourceKey): Promise<Outcome> {
    const { source, status } = this.#options
    const tenant = source.get(tenantDefinition, key) as Tenant | null
    if (tenant === null) return {}
    if (tenant.metadata.deletionTimestamp !== undefined) return this.#finalize(tenant)
    if (isAnnotated(tenant, pausedAnnotation)) {
      await status.add(tenantDefinition, tenant, [pausedFinding])
      return {}
    }
    if (!tenant.metadata.finalizers?.includes(tenantFinalizer)) {
      await source.setFinalizers(tenantDefinition, tenant, [
        ...(tenant.metadata.finalizers ?? []),
        tenantFinalizer,
      ])
      // The answer to that write is what the next reconciliation sees.
      return this.reconcile(key)
    }
    return this.#ensure(tenant)
  }

  async metadataUnavailable(key: ResourceKey, reason: string): Promise<void> {
    const { source, status } = this.#options
    const tenant = source.get(tenantDefinition, key) as Tenant | null
    if (tenant === null || isSettled(tenant)) return
    if (tenant.metadata.deletionTimestamp === undefined) {
      return status.add(tenantDefinition, tenant, unavailableFindings('Ready', reason))
    }
    if (!isAnnotated(tenant, forceFinalizeAnnotation)) {
      return status.add(tenantDefinition, tenant, unavailableFindings('DeletionBlocked', reason))
    }
    const message =
      'Released without telling the metadata store, which is away; that is made up for when it is back'
    source.recordEvent(tenant, { type: 'Warning', reason: 'Orphaned', message })
    await this.#release(tenant)
  }

  async sweep(): Promise<readonly ResourceKey[]> {
    const { source, catalog } = this.#options
    const organizations = new Map((await catalog.list()).map((each) => [each.tenantId, each]))
    for (const organization of organizations.values()) await this.#reclaimIfOrphaned(organization)
    const keys: ResourceKey[] = []
    for (const resource of source.list(tenantDefinition)) {
      const tenant = resource as Tenant
      if (!isSettled(tenant)) continue
      const organization = organizations.get(tenantIdOf(tenant))
      const owned = organization?.owner?.uid === tenant.metadata.uid
      const changed = !owned || !equals(desiredTenant(tenant), organization)
      if (changed || (await this.#usageChanged(tenant, organization))) keys.push(tenant.metadata)
    }
    return keys
  }

  async #ensure(tenant: Tenant): Promise<Outcome> {
    const { source, catalog, metrics } = this.#options
    const desired = desiredTenant(tenant)
    const present = await catalog.find(desired.tenantId)
    const winner = await this.#winner(tenant, present)
    if (winner !== null) return this.#refuse(tenant, winner)
    const owner = ownerOf(source, tenant, desired.reclaimPolicy)
    const owned = present?.owner?.uid === owner.uid
    let organizationId = present?.organizationId
    if (present === null || !owned || !equals(desired, present)) {
      const organization = { ...desired, organizationId: organizationId ?? catalog.newId(), owner }
      if (!(await catalog.save(organization, present?.owner?.uid ?? null, actorOf(tenant)))) {
        throw new OperatorError(
          'Stale',
          `The tenant '${desired.tenantId}' was claimed by another resource meanwhile`,
        )
      }
      organizationId = organization.organizationId
      this.#tell(tenant, present, owned, metrics)
      this.#options.tenantSaved.send(tenant.metadata)
    }
    await this.#report(tenant, organizationId ?? '', desired)
    return {}
  }

  #tell(tenant: Tenant, present: Organization | null, owned: boolean, metrics: OperatorMetrics): void {
    const { source } = this.#options
    const tenantId = tenantIdOf(tenant)
    if (present === null) {
      source.recordEvent(tenant, {
        type: 'Normal',
        reason: 'Created',
        message: `Created the tenant '${tenantId}'`,
      })
    } else if (!owned) {
      source.recordEvent(tenant, {
        type: 'Normal',
        reason: 'Adopted',
        message: `Adopted the tenant '${tenantId}'`,
      })
    } else if (isSettled(tenant)) {
      metrics.drift('Tenant', 'reverted')
      const message = `The tenant '${tenantId}' had been changed behind the resource's back`
      source.recordEvent(tenant, { type: 'Warning', reason: 'DriftReverted', message })
    } else {
      source.recordEvent(tenant, {
        type: 'Normal',
        reason: 'Updated',
        message: `Updated the tenant '${tenantId}'`,
      })
    }
  }

  /** Says who has the tenant ID instead of this resource, or null when it may have it. */
  async #winner(tenant: Tenant, present: Organization | null): Promise<string | null> {
    const { source } = this.#options
    const { namespace, uid } = tenant.metadata
    const owner = present?.owner == null ? null : { ...present.owner, reclaimPolicy: present.reclaimPolicy }
    const holder = await findHolder(source, tenantDefinition, owner, uid)
    if (holder.kind === 'self') return null
    if (holder.kind === 'foreign') return 'a Tenant of another cluster'
    if (holder.kind === 'other') return nameFor('Tenant', holder.key, namespace)
    for (const other of this.#namesakes.find(tenantIdOf(tenant))) {
      if (other.metadata.uid === uid || other.metadata.deletionTimestamp !== undefined) continue
      if (isOlder(other, tenant)) return nameFor('Tenant', other.metadata, namespace)
    }
    return null
  }

  async #refuse(tenant: Tenant, winner: string): Promise<Outcome> {
    const message = `The tenant ID '${tenantIdOf(tenant)}' belongs to ${winner}`
    if (!hasReason(tenant, 'Ready', 'Conflict')) {
      this.#options.source.recordEvent(tenant, { type: 'Warning', reason: 'Conflict', message })
    }
    await this.#options.status.write<TenantStatus>(tenantDefinition, tenant, {}, refusal('Conflict', message))
    return { terminal: true }
  }

  async #report(tenant: Tenant, organizationId: string, desired: DesiredTenant): Promise<void> {
    const { catalog, status } = this.#options
    const usage = await catalog.usage(organizationId)
    const exceeded = [
      ...excess('topics', usage.topics, desired.quotas.maxTopics),
      ...excess('partitions', usage.partitions, desired.quotas.maxPartitions),
      ...excess('bytes of storage', Number(usage.storageBytes), desired.quotas.storageBytes),
    ]
    const fine = 'Reconciled' as const
    const ready = desired.suspended
      ? 'The tenant is suspended: its clients are refused'
      : 'The tenant is set up'
    await status.write<TenantStatus>(
      tenantDefinition,
      tenant,
      {
        organizationID: organizationId,
        externalID: organizationId,
        tenantID: desired.tenantId,
        usage: {
          topics: usage.topics,
          partitions: usage.partitions,
          queries: 0,
          storageBytes: Number(usage.storageBytes),
        },
      },
      [
        { type: 'Ready', status: 'True', reason: fine, message: ready },
        { type: 'Accepted', status: 'True', reason: fine, message: 'The spec is valid' },
        { type: 'Synced', status: 'True', reason: fine, message: 'The metadata equals the spec' },
        exceeded.length === 0
          ? { type: 'WithinQuota', status: 'True', reason: fine, message: 'No quota is exceeded' }
          : { type: 'WithinQuota', status: 'False', reason: 'QuotaExceeded', message: exceeded.join('; ') },
      ],
    )
  }

  async #finalize(tenant: Tenant): Promise<Outcome> {
    if (!tenant.metadata.finalizers?.includes(tenantFinalizer)) return {}
    const blocked = this.#blockedBy(tenant)
    if (blocked !== null) {
      const { source, status } = this.#options
      if (!hasReason(tenant, 'DeletionBlocked', blocked.reason)) {
        source.recordEvent(tenant, { type: 'Warning', reason: 'DeletionBlocked', message: blocked.message })
      }
      await status.add(tenantDefinition, tenant, [blocked])
      return {}
    }
    await this.#reclaim(tenantIdOf(tenant), tenant.metadata.uid, tenant.spec.reclaimPolicy, actorOf(tenant))
    await this.#release(tenant)
    return {}
  }

  #blockedBy(tenant: Tenant): Finding | null {
    const blocked = { type: 'DeletionBlocked', status: 'True' } as const
    if (tenant.spec.deletionProtection) {
      return {
        ...blocked,
        reason: 'Protected',
        message: 'Set deletionProtection to false to have the tenant deleted',
      }
    }
    const topics = [...this.#options.topicsOfTenant.find(keyText(tenant.metadata))]
    if (topics.length === 0) return null
    const near = topics.filter(({ metadata }) => metadata.namespace === tenant.metadata.namespace)
    const names = near.slice(0, maxDependents).map(({ metadata }) => `'${metadata.name}'`)
    const others = topics.length - names.length
    const list = [
      ...(names.length > 0 ? [`Topics ${names.join(', ')}`] : []),
      ...(others > 0 ? [`${others} other Topics`] : []),
    ]
    return { ...blocked, reason: 'HasDependents', message: `Still referred to by ${list.join(' and ')}` }
  }

  /** Applies the reclaim policy to the organization, if it still belongs to the resource with this uid. */
  async #reclaim(tenantId: string, uid: string, policy: 'Retain' | 'Delete', actor: string): Promise<void> {
    const { catalog } = this.#options
    const organization = await catalog.find(tenantId)
    if (organization === null || organization.owner?.uid !== uid) return
    if (policy === 'Delete' && (await catalog.remove(organization.organizationId))) return
    // Topics that can still be restored hold the organization up: the sweep removes it after the last of them.
    const suspended = policy === 'Delete' || organization.suspended
    await catalog.save({ ...organization, owner: null, suspended, reclaimPolicy: policy }, uid, actor)
  }

  async #reclaimIfOrphaned(organization: Organization): Promise<void> {
    const { source, catalog } = this.#options
    const { owner, reclaimPolicy, tenantId } = organization
    if (owner === null) {
      if (reclaimPolicy === 'Delete') await catalog.remove(organization.organizationId)
      return
    }
    const key = ownerKey(source, owner.name)
    if (key === null || source.get(tenantDefinition, key)?.metadata.uid === owner.uid) return
    const holder = await findHolder(source, tenantDefinition, { ...owner, reclaimPolicy }, '')
    if (holder.kind === 'gone')
      await this.#reclaim(tenantId, owner.uid, reclaimPolicy, `operator/${owner.uid}`)
  }

  async #usageChanged(tenant: Tenant, organization: Organization | undefined): Promise<boolean> {
    if (organization === undefined) return true
    const usage = await this.#options.catalog.usage(organization.organizationId)
    const { topics, partitions, storageBytes } = tenant.status?.usage ?? {}
    return (
      topics !== usage.topics ||
      partitions !== usage.partitions ||
      storageBytes !== Number(usage.storageBytes)
    )
  }

  async #release(tenant: Tenant): Promise<void> {
    const finalizers = tenant.metadata.finalizers?.filter((finalizer) => finalizer !== tenantFinalizer) ?? []
    await this.#options.source.setFinalizers(tenantDefinition, tenant, finalizers)
  }
}

function equals(desired: DesiredTenant, organization: Organization | undefined): boolean {
  if (organization === undefined) return false
  const { tenantId, suspended, quotas, defaults, reclaimPolicy } = organization
  return isDeepStrictEqual(desired, { tenantId, suspended, quotas, defaults, reclaimPolicy })
}

function excess(what: string, used: number, limit: number | undefined): string[] {
  return limit !== undefined && used > limit ? [`${used} ${what} of at most ${limit}`] : []
}

function actorOf(tenant: Tenant): string {
  return `operator/${tenant.metadata.uid}`
}
