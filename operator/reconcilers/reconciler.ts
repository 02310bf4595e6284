import type { ResourceDefinition } from '../resources/definition.ts'
import type { ResourceKey } from '../resources/resource.ts'

/** What a reconciliation came to. */
export interface Outcome {
  /** When to look at the resource again, if nothing happens before. */
  readonly requeueAfterMs?: number
  /** The resource asks for something that cannot be: only a change of it can help. */
  readonly terminal?: boolean
}

/** Adds a resource to its kind's queue. */
export type Enqueue = (key: ResourceKey, delayMs?: number) => void

/**
 * Makes the world equal to the resources of one kind. It is given a key only and reads what it needs, so that it does not
 * matter which events came, or how often.
 */
export interface Reconciler {
  readonly definition: ResourceDefinition
  /** Called once, to have other things than the resource itself lead to a reconciliation. */
  watch(enqueue: Enqueue): void
  reconcile(key: ResourceKey): Promise<Outcome>
  /** Says in the resource's status that the metadata store is away, if the resource waits for it. */
  metadataUnavailable(key: ResourceKey, reason: string): Promise<void>
  /** Compares all of the metadata store with all resources at once; gives the resources that need to be reconciled. */
  sweep(): Promise<readonly ResourceKey[]>
}
