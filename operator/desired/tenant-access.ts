import type { Tenant, TenantSpecAllowedNamespacesSelector } from '../resources/generated/tenant.ts'

/** Whether resources of a namespace with these labels (null: none known) may refer to the tenant. */
export function allowsNamespace(
  tenant: Tenant,
  namespace: string,
  labels: Readonly<Record<string, string>> | null,
): boolean {
  if (tenant.metadata.namespace === namespace) return true
  const { from, selector } = tenant.spec.allowedNamespaces
  if (from === 'All') return true
  // An empty selector matches everything in Kubernetes, which `All` says better: here it matches nothing.
  if (from !== 'Selector' || selector === undefined || labels === null) return false
  return matches(selector, labels)
}

function matches(
  selector: TenantSpecAllowedNamespacesSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return false
  if (!Object.entries(matchLabels).every(([key, value]) => labels[key] === value)) return false
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    const among = value !== undefined && values.includes(value)
    return operator === 'In' ? among : !among
  })
}
