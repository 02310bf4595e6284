import type { ControlPlane } from './control-plane/control-plane.ts'

/** A manifest as kubectl reads it (YAML contains JSON). */
export function manifest(
  kind: 'Tenant' | 'Topic',
  name: string,
  spec: unknown,
  metadata: object = {},
): string {
  return JSON.stringify({
    apiVersion: 'streamhouse.io/v1alpha1',
    kind,
    metadata: { name, namespace: 'default', ...metadata },
    spec,
  })
}

export interface Seen {
  readonly metadata: {
    readonly uid: string
    readonly resourceVersion: string
    readonly generation: number
    readonly finalizers?: string[]
  }
  readonly spec: Record<string, unknown>
  readonly status: {
    readonly observedGeneration?: number
    readonly conditions: readonly {
      type: string
      status: string
      reason: string
      message: string
      lastTransitionTime: string
    }[]
    readonly topicID?: string
    readonly partitions?: number
    readonly organizationID?: string
    readonly drift?: readonly { key: string; desired?: string; actual?: string }[]
    readonly usage?: { topics: number; partitions: number }
  }
}

/** Reads a resource back. */
export async function see(
  cluster: ControlPlane,
  kind: string,
  name: string,
  namespace = 'default',
): Promise<Seen> {
  return JSON.parse(await cluster.kubectl(['get', kind, name, '-n', namespace, '-o', 'json'])) as Seen
}

/** `True/Reconciled`, or an empty text when there is no such condition. */
export function conditionOf(resource: Seen, type: string): string {
  const condition = resource.status.conditions.find((each) => each.type === type)
  return condition === undefined ? '' : `${condition.status}/${condition.reason}`
}

/** What kstatus, and so Flux and Argo CD, make of a resource. */
export function kstatus(resource: Seen): 'Current' | 'InProgress' | 'Failed' {
  const { observedGeneration } = resource.status
  if (observedGeneration !== undefined && observedGeneration !== resource.metadata.generation)
    return 'InProgress'
  if (conditionOf(resource, 'Stalled').startsWith('True')) return 'Failed'
  if (conditionOf(resource, 'Reconciling').startsWith('True')) return 'InProgress'
  return conditionOf(resource, 'Ready').startsWith('True') ? 'Current' : 'InProgress'
}
