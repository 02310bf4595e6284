import { type Finding, hasReason } from '../apply/conditions.ts'
import type { StatusWriter } from '../apply/status.ts'
import { type DesiredTopic, type Difference, describeDifferences, topicNameOf } from '../desired/topic.ts'
import type { OperatorMetrics } from '../metrics.ts'
import { type Topic, type TopicStatus, topicDefinition } from '../resources/generated/topic.ts'
import type { ResourceSource } from '../sources/resource-source.ts'
import type { TopicCatalog } from './catalogs.ts'
import { refusal, unresolved } from './findings.ts'
import type { Outcome } from './reconciler.ts'

export interface TopicReportOptions {
  readonly source: ResourceSource
  readonly status: StatusWriter
  readonly metrics: OperatorMetrics
}

type OwnedTopic = NonNullable<Awaited<ReturnType<TopicCatalog['find']>>>

const maxReportedDrift = 20

/** Says in a Topic's status, and in events, what a reconciliation came to. */
export class TopicReport {
  readonly #options: TopicReportOptions

  constructor(options: TopicReportOptions) {
    this.#options = options
  }

  /** The topic waits for its Tenant. */
  async waiting(topic: Topic, reason: Finding['reason'], message: string): Promise<Outcome> {
    await this.#options.status.write<TopicStatus>(
      topicDefinition,
      topic,
      keptFields(topic),
      unresolved(reason, message),
    )
    return {}
  }

  /** The topic cannot be what it should be until somebody changes something. */
  async refused(topic: Topic, reason: Finding['reason'], message: string): Promise<Outcome> {
    const { source, status } = this.#options
    if (!hasReason(topic, 'Ready', reason)) source.recordEvent(topic, { type: 'Warning', reason, message })
    await status.write<TopicStatus>(topicDefinition, topic, keptFields(topic), refusal(reason, message))
    return { terminal: true }
  }

  /** The topic was deleted behind the back, and is not to be made again. */
  async vanished(topic: Topic): Promise<Outcome> {
    const reason = 'DriftReported'
    const message = `The topic '${topicNameOf(topic)}' was deleted behind the resource's back`
    this.#noteDrift(topic, message)
    await this.#options.status.write<TopicStatus>(topicDefinition, topic, keptFields(topic), [
      { type: 'Ready', status: 'False', reason, message },
      { type: 'Accepted', status: 'True', reason: 'Reconciled', message: 'The spec is valid' },
      { type: 'ResolvedRefs', status: 'True', reason: 'Reconciled', message: 'The tenant is set up' },
      { type: 'Synced', status: 'False', reason, message },
      { type: 'Drifted', status: 'True', reason, message },
    ])
    return {}
  }

  /** The topic can be used; `drift` is in what it still is not what it should be. */
  async usable(
    topic: Topic,
    desired: DesiredTopic,
    present: OwnedTopic,
    drift: readonly Difference[],
  ): Promise<Outcome> {
    const fine = 'Reconciled' as const
    const drifted = drift.length > 0
    const message = drifted ? describeDifferences(drift) : 'The metadata equals the spec'
    if (drifted) this.#noteDrift(topic, message)
    const synced: Finding = drifted
      ? { type: 'Synced', status: 'False', reason: 'DriftReported', message }
      : { type: 'Synced', status: 'True', reason: fine, message }
    const findings: Finding[] = [
      {
        type: 'Ready',
        status: 'True',
        reason: drifted ? 'DriftReported' : fine,
        message: 'The topic can be used',
      },
      { type: 'Accepted', status: 'True', reason: fine, message: 'The spec is valid' },
      { type: 'ResolvedRefs', status: 'True', reason: fine, message: 'The tenant is set up' },
      synced,
    ]
    if (drifted) findings.push({ type: 'Drifted', status: 'True', reason: 'DriftReported', message })
    const fields = {
      topicName: desired.name,
      topicID: present.topicId,
      externalID: present.topicId,
      partitions: present.partitionCount,
      configHash: desired.hash,
      ownerUID: topic.metadata.uid,
      drift: drifted ? drift.slice(0, maxReportedDrift) : undefined,
    }
    await this.#options.status.write<TopicStatus>(topicDefinition, topic, fields, findings)
    return {}
  }

  #noteDrift(topic: Topic, message: string): void {
    if (hasReason(topic, 'Drifted', 'DriftReported')) return
    this.#options.metrics.drift('Topic', 'reported')
    this.#options.source.recordEvent(topic, { type: 'Warning', reason: 'DriftReported', message })
  }
}

/** What was known about the topic stays in the status of a resource that is in trouble. */
function keptFields(topic: Topic): Omit<TopicStatus, 'conditions' | 'observedGeneration'> {
  const { conditions: _, observedGeneration: __, ...fields } = topic.status ?? {}
  return fields
}
