import { hasReason } from '../apply/conditions.ts'
import { isSettled, type StatusWriter } from '../apply/status.ts'
import { tenantIdOf } from '../desired/tenant.ts'
import {
  compareTopic,
  type DesiredTopic,
  type Difference,
  describeDifferences,
  desiredTopic,
  mergeConfig,
  topicNameOf,
} from '../desired/topic.ts'
import { unknownConfigs } from '../desired/topic-config.ts'
import { OperatorError } from '../errors.ts'
import type { OperatorMetrics } from '../metrics.ts'
import { type Tenant, tenantDefinition } from '../resources/generated/tenant.ts'
import { type Topic, topicDefinition } from '../resources/generated/topic.ts'
import { isAnnotated, keyText, pausedAnnotation, type ResourceKey } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'
import type { TenantCatalog, TopicCatalog } from './catalogs.ts'
import { pausedFinding, unavailableFindings } from './findings.ts'
import { findHolder, isOlder, nameFor, ownerKey, ownerOf } from './ownership.ts'
import type { Enqueue, Outcome, Reconciler } from './reconciler.ts'
import { ResourceIndex } from './resource-index.ts'
import type { Signal } from './signal.ts'
import { resolveTenant, tenantKeyOf } from './tenant-reference.ts'
import { TopicFinalizer, topicFinalizer } from './topic-finalizer.ts'
import { TopicReport } from './topic-report.ts'

type OwnedTopic = NonNullable<Awaited<ReturnType<TopicCatalog['find']>>>

export interface TopicReconcilerOptions {
  readonly source: ResourceSource
  readonly topics: TopicCatalog
  readonly tenants: TenantCatalog
  readonly status: StatusWriter
  readonly metrics: OperatorMetrics
  readonly topicsOfTenant: ResourceIndex<Topic>
  /** Told when the number of topics or partitions of a tenant changed. */
  readonly usageChanged: Signal<ResourceKey>
  /** Tells when something changed that the tenant's topics depend on. */
  readonly tenantSaved: Signal<ResourceKey>
}

/** A topic together with what it depends on. */
interface Situation {
  readonly topic: Topic
  readonly tenant: Tenant
  readonly organizationId: string
  readonly desired: DesiredTopic
}

/** Makes a Kafka topic out of each Topic. */
export class TopicReconciler implements Reconciler {
  readonly definition = topicDefinition
  readonly #options: TopicReconcilerOptions
  readonly #namesakes: ResourceIndex<Topic>
  readonly #finalizer: TopicFinalizer
  readonly #report: TopicReport

  constructor(options: TopicReconcilerOptions) {
    this.#options = options
    this.#namesakes = new ResourceIndex(options.source, topicDefinition, claimText)
    this.#finalizer = new TopicFinalizer(options)
    this.#report = new TopicReport(options)
  }

  watch(enqueue: Enqueue): void {
    const { source, topicsOfTenant, tenantSaved } = this.#options
    const enqueueTopics = (tenant: ResourceKey): void => {
      for (const topic of topicsOfTenant.find(keyText(tenant))) enqueue(topic.metadata)
    }
    tenantSaved.subscribe(enqueueTopics)
    source.subscribe(tenantDefinition, ({ key, initial, statusOnly }) => {
      if (!initial && !statusOnly) enqueueTopics(key)
    })
    source.subscribe(topicDefinition, ({ key }) => {
      if (source.get(topicDefinition, key) !== null) return
      for (const topic of source.list(topicDefinition)) {
        if (hasReason(topic, 'Accepted', 'Conflict')) enqueue(topic.metadata)
      }
    })
    source.subscribeNamespaces((namespace) => {
      for (const topic of source.list(topicDefinition)) {
        if (topic.metadata.namespace === namespace) enqueue(topic.metadata)
      }
    })
  }

  async reconcile(key: ResourceKey): Promise<Outcome> {
    const { source, status } = this.#options
    const topic = source.get(topicDefinition, key) as Topic | null
    if (topic === null) return this.#finalizer.absent(key)
    if (topic.metadata.deletionTimestamp !== undefined) return this.#finalizer.finalize(topic)
    if (isAnnotated(topic, pausedAnnotation)) {
      await status.add(topicDefinition, topic, [pausedFinding])
      return {}
    }
    const resolution = resolveTenant(source, topic)
    if (resolution.tenant === undefined)
      return this.#report.waiting(topic, resolution.reason, resolution.message)
    const { tenant } = resolution
    const organization = await this.#options.tenants.find(tenantIdOf(tenant))
    if (organization === null || organization.owner?.uid !== tenant.metadata.uid) {
      return this.#report.waiting(
        topic,
        'TenantNotFound',
        `The Tenant '${tenant.metadata.name}' has not been set up yet`,
      )
    }
    const situation = {
      topic,
      tenant,
      organizationId: organization.organizationId,
      desired: desiredTopic(topic, tenant),
    }
    this.#finalizer.remember(topic, situation.organizationId)
    return this.#ensure(situation)
  }

  async metadataUnavailable(key: ResourceKey, reason: string): Promise<void> {
    const { source, status } = this.#options
    const topic = source.get(topicDefinition, key) as Topic | null
    if (topic === null || isSettled(topic)) return
    if (topic.metadata.deletionTimestamp !== undefined)
      return this.#finalizer.metadataUnavailable(topic, reason)
    await status.add(topicDefinition, topic, unavailableFindings('Ready', reason))
  }

  async sweep(): Promise<readonly ResourceKey[]> {
    const { source, topics, tenants } = this.#options
    const keys: ResourceKey[] = []
    const seen = new Set<string>()
    for (const { organizationId } of await tenants.list()) {
      for (const row of await topics.list(organizationId)) {
        if (row.owner === null || ownerKey(source, row.owner.name) === null) continue
        seen.add(row.owner.uid)
        const changed = await this.#isOutOfStep(row)
        if (changed !== null) keys.push(changed)
      }
    }
    for (const topic of source.list(topicDefinition)) {
      const lost = (topic as Topic).status?.topicID !== undefined && !seen.has(topic.metadata.uid)
      if (lost) keys.push(topic.metadata)
    }
    return keys
  }

  /** The key of the resource when its topic is not what it should be; cleans up after a resource that is gone. */
  async #isOutOfStep(row: OwnedTopic): Promise<ResourceKey | null> {
    const { source } = this.#options
    const key = ownerKey(source, row.owner?.name ?? '')
    if (key === null) return null
    const topic = source.get(topicDefinition, key) as Topic | null
    if (topic === null || topic.metadata.uid !== row.owner?.uid) {
      await this.#finalizer.reclaimIfOrphaned(row)
      return null
    }
    const { tenant } = resolveTenant(source, topic)
    if (tenant === undefined || !isSettled(topic)) return null
    const differences = compareTopic(desiredTopic(topic, tenant), row)
    const reported = topic.status?.drift ?? []
    const same =
      differences.length === reported.length &&
      differences.every((each, at) => each.actual === reported[at]?.actual)
    return same && row.owner.reclaimPolicy === topic.spec.reclaimPolicy ? null : key
  }

  async #ensure(situation: Situation): Promise<Outcome> {
    const { topics, source } = this.#options
    const { topic, organizationId, desired } = situation
    const present = await topics.find(organizationId, desired.name)
    const holder = await findHolder(source, topicDefinition, present?.owner ?? null, topic.metadata.uid)
    if (holder.kind === 'self' && present !== null) return this.#correct(situation, present)
    const winner =
      holder.kind === 'other'
        ? nameFor('Topic', holder.key, topic.metadata.namespace)
        : holder.kind === 'foreign'
          ? 'a Topic of another cluster'
          : this.#olderNamesake(situation)
    if (winner !== null)
      return this.#report.refused(topic, 'Conflict', `The topic '${desired.name}' belongs to ${winner}`)
    if (present === null) return this.#create(situation)
    const stranger = holder.kind === 'gone' && keyText(holder.key) !== keyText(topic.metadata)
    if (stranger && holder.reclaimPolicy === 'Delete') {
      await this.#finalizer.reclaimIfOrphaned(present)
      return this.#create(situation)
    }
    return this.#adopt(situation, present)
  }

  /** The older Topic that has a right to the same name, which comes first while nobody owns the topic. */
  #olderNamesake({ topic, tenant }: Situation): string | null {
    const { source } = this.#options
    for (const other of this.#namesakes.find(claimText(topic))) {
      if (other.metadata.uid === topic.metadata.uid || other.metadata.deletionTimestamp !== undefined)
        continue
      if (!isOlder(other, topic) || resolveTenant(source, other).tenant !== tenant) continue
      return nameFor('Topic', other.metadata, topic.metadata.namespace)
    }
    return null
  }

  async #create(situation: Situation): Promise<Outcome> {
    const { topics, source, metrics, usageChanged } = this.#options
    const { topic, tenant, desired, organizationId } = situation
    const vanished = topic.status?.topicID !== undefined && topic.status.ownerUID === topic.metadata.uid
    if (vanished && topic.spec.driftPolicy === 'Report') return this.#report.vanished(topic)
    const over = await this.#overQuota(situation, 1, desired.partitions)
    if (over !== null) return this.#report.refused(topic, 'QuotaExceeded', over)
    if (await this.#fixFinalizer(topic)) return this.reconcile(topic.metadata)
    const owner = ownerOf(source, topic, desired.reclaimPolicy)
    const { name, partitions, config } = desired
    const created = await topics.create(organizationId, { name, partitions, config, owner }, actorOf(topic))
    if (created === null)
      throw new OperatorError('Stale', `The topic '${name}' was made by somebody else meanwhile`)
    if (vanished) {
      metrics.drift('Topic', 'reverted')
      const message = `The topic '${name}' had been deleted; it was made again, empty`
      source.recordEvent(topic, { type: 'Warning', reason: 'DriftReverted', message })
    } else {
      source.recordEvent(topic, { type: 'Normal', reason: 'Created', message: `Created the topic '${name}'` })
    }
    this.#warnOfUnknownConfigs(topic, config)
    usageChanged.send(tenant.metadata)
    return this.#report.usable(topic, desired, created, [])
  }

  async #adopt(situation: Situation, present: OwnedTopic): Promise<Outcome> {
    const { topics, source } = this.#options
    const { topic, desired } = situation
    const { adoptionPolicy } = topic.spec
    const differences = compareTopic(desired, present)
    if (adoptionPolicy === 'Never') {
      return this.#report.refused(
        topic,
        'Conflict',
        `The topic '${desired.name}' exists already and adoptionPolicy is Never`,
      )
    }
    if (adoptionPolicy === 'IfEqual' && differences.length > 0) {
      const message = `The topic '${desired.name}' exists already and differs: ${describeDifferences(differences)}`
      return this.#report.refused(
        topic,
        'Conflict',
        `${message}. Set adoptionPolicy to Always to overwrite it`,
      )
    }
    if (await this.#fixFinalizer(topic)) return this.reconcile(topic.metadata)
    const owner = ownerOf(source, topic, desired.reclaimPolicy)
    if (!(await topics.claim(present, owner, actorOf(topic)))) {
      throw new OperatorError(
        'Stale',
        `The topic '${desired.name}' was claimed by another resource meanwhile`,
      )
    }
    source.recordEvent(topic, {
      type: 'Normal',
      reason: 'Adopted',
      message: `Adopted the topic '${desired.name}'`,
    })
    return this.#correct(situation, { ...present, owner })
  }

  /** Brings a topic of ours to what it should be. */
  async #correct(situation: Situation, present: OwnedTopic): Promise<Outcome> {
    const { topics, source } = this.#options
    const { topic, desired } = situation
    if (await this.#fixFinalizer(topic)) return this.reconcile(topic.metadata)
    if (present.owner?.reclaimPolicy !== desired.reclaimPolicy) {
      const owner = ownerOf(source, topic, desired.reclaimPolicy)
      if (!(await topics.claim(present, owner, actorOf(topic))))
        throw new OperatorError('Stale', 'The owner has changed')
      present = { ...present, owner }
    }
    const differences = compareTopic(desired, present)
    const fixable = differences.filter(
      ({ key }) => key !== 'partitions' || desired.partitions > present.partitionCount,
    )
    if (fixable.length === 0) return this.#report.usable(topic, desired, present, differences)
    const drifted = topic.status?.configHash === desired.hash && topic.status.topicID === present.topicId
    if (drifted && topic.spec.driftPolicy === 'Report')
      return this.#report.usable(topic, desired, present, differences)
    const growth = desired.managesPartitions ? desired.partitions - present.partitionCount : 0
    if (growth > 0) {
      const over = await this.#overQuota(situation, 0, growth)
      if (over !== null) return this.#report.refused(topic, 'QuotaExceeded', over)
    }
    const changed = await this.#apply(situation, present, growth)
    this.#tellCorrected(topic, differences, drifted)
    return this.#report.usable(topic, desired, changed, compareTopic(desired, changed))
  }

  async #apply(
    { topic, tenant, desired }: Situation,
    present: OwnedTopic,
    growth: number,
  ): Promise<OwnedTopic> {
    const { topics, usageChanged } = this.#options
    let { partitionCount, config } = present
    if (growth > 0) {
      partitionCount = desired.partitions
      await topics.addPartitions(present, partitionCount, actorOf(topic))
      usageChanged.send(tenant.metadata)
    }
    if (compareTopic(desired, { partitionCount: desired.partitions, config }).length > 0) {
      await topics.changeConfig(present, (now) => mergeConfig(desired, now), actorOf(topic))
      config = mergeConfig(desired, config)
      this.#warnOfUnknownConfigs(topic, config)
    }
    return { ...present, partitionCount, config }
  }

  #tellCorrected(topic: Topic, differences: readonly Difference[], drifted: boolean): void {
    const { source, metrics } = this.#options
    const what = describeDifferences(differences)
    if (drifted) {
      metrics.drift('Topic', 'reverted')
      source.recordEvent(topic, { type: 'Warning', reason: 'DriftReverted', message: `Reverted: ${what}` })
    } else {
      source.recordEvent(topic, { type: 'Normal', reason: 'Updated', message: `Updated: ${what}` })
    }
  }

  /** Why the tenant may not have so many more topics and partitions, or null. */
  async #overQuota(
    { tenant, organizationId }: Situation,
    topics: number,
    partitions: number,
  ): Promise<string | null> {
    const { maxTopics, maxPartitions } = tenant.spec.quotas ?? {}
    if (maxTopics === undefined && maxPartitions === undefined) return null
    const usage = await this.#options.tenants.usage(organizationId)
    if (maxTopics !== undefined && topics > 0 && usage.topics + topics > maxTopics) {
      return `The tenant has ${usage.topics} topics of at most ${maxTopics}`
    }
    if (maxPartitions !== undefined && usage.partitions + partitions > maxPartitions) {
      return `The tenant has ${usage.partitions} partitions of at most ${maxPartitions}, ${partitions} more are asked for`
    }
    return null
  }

  /** Sets or removes our finalizer as the reclaim policy asks; true when it wrote. */
  async #fixFinalizer(topic: Topic): Promise<boolean> {
    const present = topic.metadata.finalizers ?? []
    const wanted = topic.spec.reclaimPolicy === 'Delete'
    if (present.includes(topicFinalizer) === wanted) return false
    const others = present.filter((finalizer) => finalizer !== topicFinalizer)
    await this.#options.source.setFinalizers(
      topicDefinition,
      topic,
      wanted ? [...others, topicFinalizer] : others,
    )
    return true
  }

  #warnOfUnknownConfigs(topic: Topic, config: Readonly<Record<string, string>>): void {
    const unknown = unknownConfigs(config)
    if (unknown.length === 0) return
    const message = `Kafka has no topic config named ${unknown.slice(0, 10).join(', ')}`
    this.#options.source.recordEvent(topic, { type: 'Warning', reason: 'UnknownConfig', message })
  }
}

/** What two Topics that want the same topic have in common. */
function claimText(topic: Topic): string {
  return `${keyText(tenantKeyOf(topic))}/${topicNameOf(topic)}`
}

function actorOf(topic: Topic): string {
  return `operator/${topic.metadata.uid}`
}
