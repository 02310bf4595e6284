import type { Finding, Reason } from '../apply/conditions.ts'
import { pausedAnnotation } from '../resources/resource.ts'

export const pausedFinding: Finding = {
  type: 'Paused',
  status: 'True',
  reason: 'Pending',
  message: `Nothing is changed while the annotation ${pausedAnnotation} is true`,
}

/** What to say about a resource that waits for a metadata store that is away. */
export function unavailableFindings(type: 'Ready' | 'DeletionBlocked', reason: string): Finding[] {
  const status = type === 'Ready' ? 'False' : 'True'
  return [{ type, status, reason: 'MetadataUnavailable', message: `The metadata store is away: ${reason}` }]
}

/** A resource that cannot be what it asks for until somebody changes it. */
export function refusal(reason: Reason, message: string): Finding[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Accepted', status: 'False', reason, message },
    { type: 'Stalled', status: 'True', reason, message },
  ]
}

/** A resource that waits for the Tenant it refers to. */
export function unresolved(reason: Reason, message: string): Finding[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Accepted', status: 'True', reason: 'Reconciled', message: 'The spec is valid' },
    { type: 'ResolvedRefs', status: 'False', reason, message },
  ]
}
