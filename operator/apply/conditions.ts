import type { Condition, Resource } from '../resources/resource.ts'

/** Why a condition has the status it has; the closed set that the reference documents. */
export type Reason =
  | 'Reconciled'
  | 'Pending'
  | 'InvalidSpec'
  | 'Conflict'
  | 'TenantNotFound'
  | 'RefNotPermitted'
  | 'QuotaExceeded'
  | 'MetadataUnavailable'
  | 'DriftReverted'
  | 'DriftReported'
  | 'HasDependents'
  | 'Protected'

export type ConditionType =
  | 'Ready'
  | 'Accepted'
  | 'ResolvedRefs'
  | 'Synced'
  | 'WithinQuota'
  | 'Reconciling'
  | 'Stalled'
  | 'Drifted'
  | 'Paused'
  | 'DeletionBlocked'

/** What was found out about a resource; types that are not mentioned are not shown. */
export interface Finding {
  readonly type: ConditionType
  readonly status: Condition['status']
  readonly reason: Reason
  readonly message: string
}

const order: readonly string[] = [
  ...['Ready', 'Accepted', 'ResolvedRefs', 'Synced', 'WithinQuota'],
  ...['Reconciling', 'Stalled', 'Drifted', 'Paused', 'DeletionBlocked'],
]
const maxMessageLength = 4_096

/** Turns findings into conditions; the transition time stays as long as the status does. */
export function toConditions(
  findings: readonly Finding[],
  previous: readonly Condition[],
  generation: number,
  now: string,
): Condition[] {
  const conditions = findings.map(({ type, status, reason, message }) => {
    const before = previous.find((condition) => condition.type === type)
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now
    const text = message.length > maxMessageLength ? `${message.slice(0, maxMessageLength - 1)}…` : message
    return { type, status, observedGeneration: generation, lastTransitionTime, reason, message: text }
  })
  return conditions.sort((left, right) => order.indexOf(left.type) - order.indexOf(right.type))
}

/** Replaces or adds one condition and leaves the others as they are. */
export function withFindings(
  previous: readonly Condition[],
  findings: readonly Finding[],
  generation: number,
  now: string,
): Condition[] {
  const replaced = new Set<string>(findings.map(({ type }) => type))
  const kept = previous.filter(({ type }) => !replaced.has(type))
  return [...kept, ...toConditions(findings, previous, generation, now)].sort(
    (left, right) => order.indexOf(left.type) - order.indexOf(right.type),
  )
}

/** Whether the resource has this condition, with this status. */
export function hasCondition(
  conditions: readonly Condition[] | undefined,
  type: ConditionType,
  status: string,
): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === status) ?? false
}

/** Whether the resource's condition of this type gives this reason. */
export function hasReason(resource: Resource, type: ConditionType, reason: Reason): boolean {
  return (
    resource.status?.conditions?.some(
      (condition) => condition.type === type && condition.reason === reason,
    ) ?? false
  )
}
