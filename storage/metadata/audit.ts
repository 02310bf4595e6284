import type { Queryable } from '@streamhouse/platform/database'

/** An administrative act: who did what to what. */
export interface AuditEntry {
  /** `kafka/<principal>` or `operator/<resource uid>`. */
  readonly actor: string
  /** Such as `topic.create`. */
  readonly action: string
  readonly subject: string
  readonly details?: Record<string, unknown>
}

/** Writes the entry in the transaction that does the act. */
export async function recordAudit(
  transaction: Queryable,
  organizationId: string,
  entry: AuditEntry,
): Promise<void> {
  await transaction.query({
    text: 'insert into audit (organization_id, actor, action, subject, details) values ($1, $2, $3, $4, $5)',
    values: [organizationId, entry.actor, entry.action, entry.subject, JSON.stringify(entry.details ?? {})],
  })
}
