import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { TopicRefusal } from '../catalog/topic-admin.ts'

/** Kafka's codes for what the topic administration refuses. */
export const refusalCodes: Readonly<Record<TopicRefusal, number>> = {
  InvalidName: ErrorCode.INVALID_TOPIC_EXCEPTION,
  TopicExists: ErrorCode.TOPIC_ALREADY_EXISTS,
  InvalidPartitions: ErrorCode.INVALID_PARTITIONS,
  InvalidConfig: ErrorCode.INVALID_CONFIG,
  QuotaExceeded: ErrorCode.POLICY_VIOLATION,
  UnknownTopic: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
}

/** What appears more than once. */
export function duplicatesIn(names: Iterable<string>): Set<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) twice.add(name)
    seen.add(name)
  }
  return twice
}
