const hourMs = 3_600_000

/** Everything a tenant has in the object store starts with this, so that deleting a tenant is deleting a prefix. */
export function organizationPrefix(organizationId: string): string {
  return `org-${organizationId}/`
}

/**
 * Key of a write-ahead object: one flush of one tenant. The hour it was opened in (UTC, `2026-11-23T20`) comes first, so that
 * orphans, uploaded but never committed, are found by listing old hours only.
 */
export function walObjectKey(organizationId: string, openedMs: number, objectId: string): string {
  const hour = new Date(Math.floor(openedMs / hourMs) * hourMs).toISOString().slice(0, 13)
  return `${organizationPrefix(organizationId)}wal/${hour}/${objectId}`
}
