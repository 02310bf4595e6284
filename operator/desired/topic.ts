import { createHash } from 'node:crypto'
import { parseDurationMs } from '../resources/duration.ts'
import type { Tenant } from '../resources/generated/tenant.ts'
import type { Topic } from '../resources/generated/topic.ts'
import { desiredConfig } from './topic-config.ts'

/** What the metadata store should say about a topic. */
export interface DesiredTopic {
  readonly name: string
  /** Partitions to make the topic with, and the least it must have from then on when `managesPartitions`. */
  readonly partitions: number
  readonly managesPartitions: boolean
  readonly config: Readonly<Record<string, string>>
  /** Configs that are set at creation and not looked at afterwards. */
  readonly ignoredConfigKeys: ReadonlySet<string>
  /** Changes when the resource, or the tenant's defaults, ask for something else. */
  readonly hash: string
  readonly reclaimPolicy: 'Retain' | 'Delete'
  readonly graceMs: number
}

/** What the metadata store says. */
export interface ActualTopic {
  readonly partitionCount: number
  readonly config: Readonly<Record<string, string>>
}

/** A value that is not what the resource asks for; an absent side means that the value is not set there. */
export interface Difference {
  /** Name of a config, or `partitions`. */
  readonly key: string
  readonly desired?: string
  readonly actual?: string
}

/** The name that Kafka clients use. */
export function topicNameOf(topic: Topic): string {
  return topic.spec.topicName ?? topic.metadata.name
}

/** The topic that the resource asks for, with the tenant's defaults as they are now. */
export function desiredTopic(topic: Topic, tenant: Tenant): DesiredTopic {
  const { spec } = topic
  const partitions = spec.partitions ?? tenant.spec.defaults?.partitions ?? 1
  const config = desiredConfig(spec, tenant.spec.defaults)
  const managed = JSON.stringify([
    spec.partitions ?? null,
    Object.entries(config).sort(),
    spec.ignoredConfigKeys ?? [],
  ])
  return {
    name: topicNameOf(topic),
    partitions,
    managesPartitions: spec.partitions !== undefined,
    config,
    ignoredConfigKeys: new Set(spec.ignoredConfigKeys),
    hash: createHash('sha256').update(managed).digest('hex').slice(0, 16),
    reclaimPolicy: spec.reclaimPolicy,
    graceMs: parseDurationMs(spec.deletionGracePeriod),
  }
}

/** Every value in which the topic is not what it should be. */
export function compareTopic(desired: DesiredTopic, actual: ActualTopic): Difference[] {
  const differences: Difference[] = []
  if (desired.managesPartitions && desired.partitions !== actual.partitionCount) {
    differences.push({
      key: 'partitions',
      desired: String(desired.partitions),
      actual: String(actual.partitionCount),
    })
  }
  const keys = new Set([...Object.keys(desired.config), ...Object.keys(actual.config)])
  for (const key of [...keys].sort()) {
    const wanted = desired.config[key]
    const present = actual.config[key]
    if (wanted === present || desired.ignoredConfigKeys.has(key)) continue
    differences.push({
      key,
      ...(wanted === undefined ? {} : { desired: wanted }),
      ...(present === undefined ? {} : { actual: present }),
    })
  }
  return differences
}

/** The config to store: the desired one, with ignored keys as they are. */
export function mergeConfig(
  desired: DesiredTopic,
  actual: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(actual).filter(([key]) => desired.ignoredConfigKeys.has(key))
  const wanted = Object.entries(desired.config).filter(([key]) => !desired.ignoredConfigKeys.has(key))
  return Object.fromEntries([...wanted, ...kept])
}

/** One line for people: `retention.ms is 5, should be 7`. */
export function describeDifferences(differences: readonly Difference[]): string {
  const shown = differences.slice(0, 10).map(({ key, desired, actual }) => {
    return `${key} is ${actual === undefined ? 'not set' : `'${actual}'`}, should be ${desired === undefined ? 'not set' : `'${desired}'`}`
  })
  const rest = differences.length - shown.length
  return shown.join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}
