import type { ResourceDefinition } from '../resources/definition.ts'
import type { CommonStatus, Resource, ResourceKey } from '../resources/resource.ts'

/** Something happened to a resource; what exactly is for the reader of the source to find out. */
export interface ResourceChange {
  readonly key: ResourceKey
  /** Part of the first list after start, which is less urgent than a change somebody just made. */
  readonly initial: boolean
  /** The status alone changed. */
  readonly statusOnly: boolean
}

/** A remark about a resource for people, shown by kubectl describe. */
export interface ResourceEvent {
  readonly type: 'Normal' | 'Warning'
  /** A word in CamelCase. */
  readonly reason: string
  readonly message: string
}

/**
 * Where custom resources come from. Reads are answered from a local copy that may lag behind; writes go through, and
 * reject with an OperatorError. After a write the local copy holds its result.
 */
export interface ResourceSource {
  /** Tells this source's resources from another's in the metadata store; the same after a restart. */
  readonly id: string
  /** Reads everything once and keeps reading; resolves when the local copy is complete. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Calls back for each change from now on. */
  subscribe(definition: ResourceDefinition, listener: (change: ResourceChange) => void): void
  /** Calls back when the labels of a namespace may have changed. */
  subscribeNamespaces(listener: (namespace: string) => void): void
  get(definition: ResourceDefinition, key: ResourceKey): Resource | null
  list(definition: ResourceDefinition): Iterable<Resource>
  /** Whether resources of this namespace are looked at. */
  serves(namespace: string): boolean
  /** Labels of a namespace, or null when it is not known. */
  namespaceLabels(namespace: string): Readonly<Record<string, string>> | null
  /** Asks the source itself, not the local copy, whether the resource with this uid still exists. */
  exists(definition: ResourceDefinition, key: ResourceKey, uid: string): Promise<boolean>
  /** Replaces what the operator says in the status. */
  writeStatus(definition: ResourceDefinition, resource: Resource, status: CommonStatus): Promise<void>
  /** Replaces the finalizers; `Stale` when the resource has changed since it was read. */
  setFinalizers(
    definition: ResourceDefinition,
    resource: Resource,
    finalizers: readonly string[],
  ): Promise<void>
  /** Records a remark, best effort: it never fails and never blocks. */
  recordEvent(resource: Resource, event: ResourceEvent): void
}
