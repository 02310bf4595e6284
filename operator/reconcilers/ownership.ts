import type { Owner } from '@streamhouse/storage/metadata/ownership'
import type { ResourceDefinition } from '../resources/definition.ts'
import { keyText, parseKey, type Resource, type ResourceKey } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'

/** Who wrote an owner into the metadata store. */
export type Holder =
  /** Nobody, or a resource that is gone; `key` and `reclaimPolicy` are those of the latter. */
  | { readonly kind: 'none' }
  | { readonly kind: 'gone'; readonly key: ResourceKey; readonly reclaimPolicy: Owner['reclaimPolicy'] }
  | { readonly kind: 'self' }
  | { readonly kind: 'other'; readonly key: ResourceKey }
  /** A resource of another cluster or folder, of which nothing is known here. */
  | { readonly kind: 'foreign' }

/** The owner that a resource is. Names look like `source/namespace/name`. */
export function ownerOf(
  source: ResourceSource,
  resource: Resource,
  reclaimPolicy: Owner['reclaimPolicy'],
): Owner {
  return { uid: resource.metadata.uid, name: `${source.id}/${keyText(resource.metadata)}`, reclaimPolicy }
}

/** The resource that an owner stands for, or null when it is another source's. */
export function ownerKey(source: ResourceSource, name: string): ResourceKey | null {
  const prefix = `${source.id}/`
  return name.startsWith(prefix) ? parseKey(name.slice(prefix.length)) : null
}

/** Finds out who holds a row, from the point of view of the resource with the uid `self`. */
export async function findHolder(
  source: ResourceSource,
  definition: ResourceDefinition,
  owner: Owner | null,
  self: string,
): Promise<Holder> {
  if (owner === null) return { kind: 'none' }
  if (owner.uid === self) return { kind: 'self' }
  const key = ownerKey(source, owner.name)
  if (key === null) return { kind: 'foreign' }
  const { uid, reclaimPolicy } = owner
  if (source.get(definition, key)?.metadata.uid === uid) return { kind: 'other', key }
  if (!source.serves(key.namespace) || (await source.exists(definition, key, uid)))
    return { kind: 'other', key }
  return { kind: 'gone', key, reclaimPolicy }
}

/** Names a resource to somebody in `namespace`, who may not learn what other namespaces hold. */
export function nameFor(kind: string, key: ResourceKey, namespace: string): string {
  return key.namespace === namespace ? `${kind} '${key.name}'` : `a ${kind} in another namespace`
}

/** Whether `left` was made before `right`; the uid decides between resources of one second. */
export function isOlder(left: Resource, right: Resource): boolean {
  const [a, b] = [left.metadata, right.metadata]
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp
  return a.uid < b.uid
}
