import { hasReason, type Reason } from '../apply/conditions.ts'
import type { StatusWriter } from '../apply/status.ts'
import { topicNameOf } from '../desired/topic.ts'
import { parseDurationMs } from '../resources/duration.ts'
import { type Topic, topicDefinition } from '../resources/generated/topic.ts'
import { forceFinalizeAnnotation, isAnnotated, keyText, type ResourceKey } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'
import type { TenantCatalog, TopicCatalog } from './catalogs.ts'
import { unavailableFindings } from './findings.ts'
import { findHolder } from './ownership.ts'
import type { Outcome } from './reconciler.ts'
import type { Signal } from './signal.ts'
import { tenantKeyOf } from './tenant-reference.ts'

export interface TopicFinalizerOptions {
  readonly source: ResourceSource
  readonly topics: TopicCatalog
  readonly tenants: TenantCatalog
  readonly status: StatusWriter
  readonly usageChanged: Signal<ResourceKey>
}

type OwnedTopic = NonNullable<Awaited<ReturnType<TopicCatalog['find']>>>

export const topicFinalizer = 'streamhouse.io/topic'
/** For topics whose resource is gone and can no longer be asked; the default of deletionGracePeriod. */
const orphanGraceMs = parseDurationMs('72h')

/** Applies the reclaim policy when a Topic goes. */
export class TopicFinalizer {
  readonly #options: TopicFinalizerOptions
  /** Where the topics of resources that may vanish without a finalizer are. */
  readonly #places = new Map<string, { readonly organizationId: string; readonly name: string }>()

  constructor(options: TopicFinalizerOptions) {
    this.#options = options
  }

  /** Notes where the topic is, for when the resource can no longer be asked. */
  remember(topic: Topic, organizationId: string): void {
    this.#places.set(keyText(topic.metadata), { organizationId, name: topicNameOf(topic) })
  }

  /** Deals with a resource that is being deleted. */
  async finalize(topic: Topic): Promise<Outcome> {
    if (!topic.metadata.finalizers?.includes(topicFinalizer)) return {}
    const { source, topics, usageChanged } = this.#options
    if (topic.spec.deletionProtection && topic.spec.reclaimPolicy === 'Delete') {
      await this.#block(topic, 'Protected', 'Set deletionProtection to false to have the topic deleted')
      return {}
    }
    const row = await this.#find(topic)
    if (row !== null) {
      const actor = `operator/${topic.metadata.uid}`
      if (topic.spec.reclaimPolicy === 'Retain') await topics.claim(row, null, actor)
      else await topics.remove(row, parseDurationMs(topic.spec.deletionGracePeriod), actor)
      usageChanged.send(tenantKeyOf(topic))
    }
    await this.#release(topic)
    source.recordEvent(topic, {
      type: 'Normal',
      reason: 'Deleted',
      message: `Let go of the topic '${topicNameOf(topic)}'`,
    })
    return {}
  }

  /** Deals with a resource that is gone already. */
  async absent(key: ResourceKey): Promise<Outcome> {
    const place = this.#places.get(keyText(key))
    if (place === undefined) return {}
    const row = await this.#options.topics.find(place.organizationId, place.name)
    if (row !== null) await this.reclaimIfOrphaned(row)
    this.#places.delete(keyText(key))
    return {}
  }

  /** Applies the policy recorded in the row, if the resource that owns it is gone. */
  async reclaimIfOrphaned(row: OwnedTopic): Promise<void> {
    const { source, topics } = this.#options
    const holder = await findHolder(source, topicDefinition, row.owner, '')
    if (holder.kind !== 'gone') return
    const actor = `operator/${row.owner?.uid}`
    if (holder.reclaimPolicy === 'Retain') await topics.claim(row, null, actor)
    else await topics.remove(row, orphanGraceMs, actor)
  }

  /** Says that the deletion waits for the metadata store, or lets go when it was told to. */
  async metadataUnavailable(topic: Topic, reason: string): Promise<void> {
    const { source, status } = this.#options
    if (!topic.metadata.finalizers?.includes(topicFinalizer)) return
    if (!isAnnotated(topic, forceFinalizeAnnotation)) {
      return status.add(topicDefinition, topic, unavailableFindings('DeletionBlocked', reason))
    }
    const message =
      'Released without telling the metadata store, which is away; that is made up for when it is back'
    source.recordEvent(topic, { type: 'Warning', reason: 'Orphaned', message })
    await this.#release(topic)
  }

  async #block(topic: Topic, reason: Reason, message: string): Promise<void> {
    const { source, status } = this.#options
    if (!hasReason(topic, 'DeletionBlocked', reason)) {
      source.recordEvent(topic, { type: 'Warning', reason: 'DeletionBlocked', message })
    }
    await status.add(topicDefinition, topic, [{ type: 'DeletionBlocked', status: 'True', reason, message }])
  }

  /** The topic that this resource owns, wherever it is: the Tenant may be gone. */
  async #find(topic: Topic): Promise<OwnedTopic | null> {
    const { topics, tenants } = this.#options
    const name = topicNameOf(topic)
    const place = this.#places.get(keyText(topic.metadata))
    const organizationIds =
      place === undefined ? (await tenants.list()).map((each) => each.organizationId) : [place.organizationId]
    for (const organizationId of organizationIds) {
      const row = await topics.find(organizationId, name)
      if (row?.owner?.uid === topic.metadata.uid) return row
    }
    return null
  }

  async #release(topic: Topic): Promise<void> {
    const finalizers = topic.metadata.finalizers?.filter((finalizer) => finalizer !== topicFinalizer) ?? []
    await this.#options.source.setFinalizers(topicDefinition, topic, finalizers)
  }
}
