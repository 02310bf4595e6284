import type { Reason } from '../apply/conditions.ts'
import { allowsNamespace } from '../desired/tenant-access.ts'
import { type Tenant, tenantDefinition } from '../resources/generated/tenant.ts'
import type { Topic } from '../resources/generated/topic.ts'
import { keyText, type ResourceKey } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'

/** The Tenant that a resource refers to, or why it may not. */
export type Resolution =
  | { readonly tenant: Tenant; readonly reason?: never; readonly message?: never }
  | { readonly tenant?: never; readonly reason: Reason; readonly message: string }

/** The key of the Tenant that the topic names. */
export function tenantKeyOf(topic: Topic): ResourceKey {
  const { name, namespace } = topic.spec.tenantRef
  return { namespace: namespace ?? topic.metadata.namespace, name }
}

/** Follows the reference. From another namespace, a Tenant that is not there looks like one that does not allow it. */
export function resolveTenant(source: ResourceSource, topic: Topic): Resolution {
  const key = tenantKeyOf(topic)
  const own = topic.metadata.namespace
  const tenant = source.get(tenantDefinition, key) as Tenant | null
  if (key.namespace === own) {
    if (tenant !== null) return { tenant }
    return { reason: 'TenantNotFound', message: `There is no Tenant '${key.name}' in namespace '${own}'` }
  }
  if (tenant !== null && allowsNamespace(tenant, own, source.namespaceLabels(own))) return { tenant }
  const message = `No Tenant '${keyText(key)}' allows namespace '${own}' in its allowedNamespaces`
  return { reason: 'RefNotPermitted', message }
}
