/** What the API server, or the folder source in its place, keeps about every resource. Times are RFC 3339. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  /** Grows with every change of the spec. */
  readonly generation: number
  readonly resourceVersion: string
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly finalizers?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** One observation about a resource, as in the Kubernetes API conventions. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly observedGeneration?: number
  readonly lastTransitionTime: string
  readonly reason: string
  readonly message: string
}

/** What every status of ours carries. */
export interface CommonStatus {
  readonly observedGeneration?: number
  readonly externalID?: string
  readonly conditions?: readonly Condition[]
}

/** A custom resource as it was last seen. */
export interface Resource<Spec = unknown, Status extends CommonStatus = CommonStatus> {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec: Spec
  readonly status?: Status
}

/** Names a resource of a known kind. */
export interface ResourceKey {
  readonly namespace: string
  readonly name: string
}

/** `namespace/name`, which no other resource of the kind has. */
export function keyText(key: ResourceKey): string {
  return `${key.namespace}/${key.name}`
}

/** Takes apart what `keyText` put together. */
export function parseKey(text: string): ResourceKey {
  const slash = text.indexOf('/')
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}

export const pausedAnnotation = 'streamhouse.io/paused'
export const forceFinalizeAnnotation = 'streamhouse.io/force-finalize'

/** Whether an annotation is set to `true`. */
export function isAnnotated(resource: Resource, annotation: string): boolean {
  return resource.metadata.annotations?.[annotation] === 'true'
}
