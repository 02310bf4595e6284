import type { Database } from '@streamhouse/platform/database'
import { build, inOrganization, run } from './tables.ts'

/** Name of the lease under which a group is coordinated. */
export function groupLeaseName(groupId: string): string {
  return `group/${groupId}`
}

/** What was stored of a group's last stable generation, or null. */
export function loadGroup(
  database: Database,
  organizationId: string,
  groupId: string,
): Promise<Record<string, unknown> | null> {
  return inOrganization(database, organizationId, async (transaction) => {
    const query = build
      .selectFrom('groups')
      .select('state')
      .where('organization_id', '=', organizationId)
      .where('group_id', '=', groupId)
    return (await run(transaction, query)).rows[0]?.state ?? null
  })
}

/** Stores a group's generation; false, and nothing is stored, when the lease has another epoch by now. */
export async function saveGroup(
  database: Database,
  organizationId: string,
  groupId: string,
  leaseEpoch: bigint,
  group: { readonly generation: number; readonly protocolType: string | null; readonly state: object },
): Promise<boolean> {
  const result = await database.query<{ saved: boolean }>({
    name: 'save_group',
    text: 'select save_group($1, $2, $3, $4, $5, $6) as saved',
    values: [
      organizationId,
      groupId,
      leaseEpoch,
      group.generation,
      group.protocolType,
      JSON.stringify(group.state),
    ],
  })
  return result.rows[0]!.saved
}

/** A group's offset in a partition. */
export interface GroupOffset {
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
}

/** Stores offsets, the last of a partition winning; false, and nothing is stored, when the lease has another epoch by now. */
export async function commitGroupOffsets(
  database: Database,
  organizationId: string,
  groupId: string,
  leaseEpoch: bigint,
  offsets: readonly GroupOffset[],
): Promise<boolean> {
  // One statement may not touch a row twice.
  const last = [
    ...new Map(offsets.map((offset) => [`${offset.topicId}/${offset.partition}`, offset])).values(),
  ]
  const result = await database.query<{ committed: boolean }>({
    name: 'commit_group_offsets',
    text: 'select commit_group_offsets($1, $2, $3, $4, $5, $6, $7, $8) as committed',
    values: [
      organizationId,
      groupId,
      leaseEpoch,
      last.map((offset) => offset.topicId),
      last.map((offset) => offset.partition),
      last.map((offset) => offset.offset),
      last.map((offset) => offset.leaderEpoch),
      last.map((offset) => offset.metadata),
    ],
  })
  return result.rows[0]!.committed
}

/** The group's offsets, with the names of topics that still exist. */
export function fetchGroupOffsets(
  database: Database,
  organizationId: string,
  groupId: string,
): Promise<(GroupOffset & { readonly topic: string })[]> {
  return inOrganization(database, organizationId, async (transaction) => {
    const query = build
      .selectFrom('group_offsets as o')
      .innerJoin('topics as t', (join) =>
        join.onRef('t.organization_id', '=', 'o.organization_id').onRef('t.id', '=', 'o.topic_id'),
      )
      .select(['o.topic_id', 't.name', 'o.partition', 'o.committed_offset', 'o.leader_epoch', 'o.metadata'])
      .where('o.organization_id', '=', organizationId)
      .where('o.group_id', '=', groupId)
      .where('t.deleted_at', 'is', null)
      .orderBy('t.name')
      .orderBy('o.partition')
    return (await run(transaction, query)).rows.map((row) => ({
      topicId: row.topic_id,
      topic: row.name,
      partition: row.partition,
      offset: row.committed_offset,
      leaderEpoch: row.leader_epoch,
      metadata: row.metadata,
    }))
  })
}
