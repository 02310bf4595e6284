import { type Database, DatabaseError, type Queryable } from '@streamhouse/platform/database'
import { sql } from 'kysely'
import { StorageError } from '../errors.ts'
import { recordAudit } from './audit.ts'
import { build, inOrganization, run } from './tables.ts'

export interface Topic {
  readonly organizationId: string
  /** Never used again, also not by a later topic of the same name. */
  readonly topicId: string
  readonly name: string
  readonly partitionCount: number
  /** Only what differs from the defaults; Kafka's config names. */
  readonly config: Readonly<Record<string, string>>
  /** The resource that manages the topic, null when none does. */
  readonly owner: TopicOwner | null
}

export interface TopicOwner {
  readonly uid: string
  /** `namespace/name` of the resource. */
  readonly name: string
}

export interface NewTopic {
  readonly topicId: string
  readonly name: string
  readonly partitionCount: number
  readonly config: Readonly<Record<string, string>>
  readonly owner?: TopicOwner
}

interface TopicRow {
  organization_id: string
  id: string
  name: string
  partition_count: number
  config: Record<string, string>
  owner_uid: string | null
  owner_name: string | null
}

const columns = [
  'organization_id',
  'id',
  'name',
  'partition_count',
  'config',
  'owner_uid',
  'owner_name',
] as const

/**
 * Creates a topic with its partitions.
 * @throws StorageError TopicExists, UnknownOrganization
 */
export function createTopic(
  database: Database,
  organizationId: string,
  topic: NewTopic,
  actor: string,
): Promise<Topic> {
  return inOrganization(database, organizationId, async (transaction) => {
    try {
      await run(
        transaction,
        build.insertInto('topics').values({
          organization_id: organizationId,
          id: topic.topicId,
          name: topic.name,
          partition_count: topic.partitionCount,
          config: sql`${JSON.stringify(topic.config)}::jsonb`,
          owner_uid: topic.owner?.uid ?? null,
          owner_name: topic.owner?.name ?? null,
        }),
      )
    } catch (error) {
      throw explainInsert(error, topic.name, organizationId)
    }
    await insertPartitions(transaction, organizationId, topic.topicId, 0, topic.partitionCount)
    await recordAudit(transaction, organizationId, {
      actor,
      action: 'topic.create',
      subject: topic.name,
      details: { topicId: topic.topicId, partitions: topic.partitionCount, config: topic.config },
    })
    return {
      organizationId,
      topicId: topic.topicId,
      name: topic.name,
      partitionCount: topic.partitionCount,
      config: topic.config,
      owner: topic.owner ?? null,
    }
  })
}

function explainInsert(error: unknown, name: string, organizationId: string): unknown {
  if (!(error instanceof DatabaseError)) return error
  if (error.sqlState === '23505')
    return new StorageError('TopicExists', `Topic '${name}' already exists`, error)
  if (error.sqlState === '23503') {
    return new StorageError('UnknownOrganization', `There is no organization ${organizationId}`, error)
  }
  return error
}

async function insertPartitions(
  transaction: Queryable,
  organizationId: string,
  topicId: string,
  from: number,
  to: number,
): Promise<void> {
  await transaction.query({
    text: `insert into partitions (organization_id, topic_id, partition)
           select $1, $2, p from generate_series($3::integer, $4::integer - 1) p`,
    values: [organizationId, topicId, from, to],
  })
}

/** The tenant's topics by name; all of them when no names are given. */
export async function findTopics(
  database: Database,
  organizationId: string,
  names?: readonly string[],
): Promise<Topic[]> {
  return inOrganization(database, organizationId, async (transaction) => {
    let query = build.selectFrom('topics').select(columns).where('deleted_at', 'is', null).orderBy('name')
    query = query.where('organization_id', '=', organizationId)
    if (names !== undefined) query = query.where(sql<boolean>`name = any(${names})`)
    return (await run<TopicRow>(transaction, query)).rows.map(toTopic)
  })
}

/** The tenant's topics by id. */
export async function findTopicsById(
  database: Database,
  organizationId: string,
  topicIds: readonly string[],
): Promise<Topic[]> {
  return inOrganization(database, organizationId, async (transaction) => {
    const query = build
      .selectFrom('topics')
      .select(columns)
      .where('organization_id', '=', organizationId)
      .where(sql<boolean>`id = any(${topicIds}::uuid[])`)
      .where('deleted_at', 'is', null)
    return (await run<TopicRow>(transaction, query)).rows.map(toTopic)
  })
}

function toTopic(row: TopicRow): Topic {
  return {
    organizationId: row.organization_id,
    topicId: row.id,
    name: row.name,
    partitionCount: row.partition_count,
    config: row.config,
    owner: row.owner_uid === null ? null : { uid: row.owner_uid, name: row.owner_name ?? '' },
  }
}

async function lockTopic(transaction: Queryable, organizationId: string, topicId: string): Promise<Topic> {
  const query = build
    .selectFrom('topics')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', topicId)
    .where('deleted_at', 'is', null)
    .forUpdate()
  const row = (await run<TopicRow>(transaction, query)).rows[0]
  if (row === undefined) throw new StorageError('UnknownTopic', `There is no topic with id ${topicId}`)
  return toTopic(row)
}

/**
 * Raises the number of partitions; the same number again changes nothing.
 * @throws StorageError UnknownTopic, PartitionsCannotShrink
 */
export function addPartitions(
  database: Database,
  organizationId: string,
  topicId: string,
  partitionCount: number,
  actor: string,
): Promise<Topic> {
  return inOrganization(database, organizationId, async (transaction) => {
    const topic = await lockTopic(transaction, organizationId, topicId)
    if (partitionCount < topic.partitionCount) {
      throw new StorageError(
        'PartitionsCannotShrink',
        `Topic '${topic.name}' has ${topic.partitionCount} partitions; it cannot shrink to ${partitionCount}`,
      )
    }
    if (partitionCount === topic.partitionCount) return topic
    await insertPartitions(transaction, organizationId, topicId, topic.partitionCount, partitionCount)
    await run(
      transaction,
      build
        .updateTable('topics')
        .set({ partition_count: partitionCount, updated_at: sql<Date>`now()` })
        .where('organization_id', '=', organizationId)
        .where('id', '=', topicId),
    )
    await recordAudit(transaction, organizationId, {
      actor,
      action: 'topic.addPartitions',
      subject: topic.name,
      details: { from: topic.partitionCount, to: partitionCount },
    })
    return { ...topic, partitionCount }
  })
}

/**
 * Replaces the topic's config by what `change` makes of the present one, so that concurrent changes do not undo each other.
 * @throws StorageError UnknownTopic
 */
export function changeTopicConfig(
  database: Database,
  organizationId: string,
  topicId: string,
  change: (config: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  actor: string,
): Promise<Topic> {
  return inOrganization(database, organizationId, async (transaction) => {
    const topic = await lockTopic(transaction, organizationId, topicId)
    const config = change(topic.config)
    await run(
      transaction,
      build
        .updateTable('topics')
        .set({ config: sql`${JSON.stringify(config)}::jsonb`, updated_at: sql<Date>`now()` })
        .where('organization_id', '=', organizationId)
        .where('id', '=', topicId),
    )
    await recordAudit(transaction, organizationId, {
      actor,
      action: 'topic.changeConfig',
      subject: topic.name,
      details: { from: topic.config, to: config },
    })
    return { ...topic, config }
  })
}

/**
 * Makes a resource the topic's owner, or takes ownership away.
 * @throws StorageError UnknownTopic
 */
export function setTopicOwner(
  database: Database,
  organizationId: string,
  topicId: string,
  owner: TopicOwner | null,
  actor: string,
): Promise<Topic> {
  return inOrganization(database, organizationId, async (transaction) => {
    const topic = await lockTopic(transaction, organizationId, topicId)
    await run(
      transaction,
      build
        .updateTable('topics')
        .set({ owner_uid: owner?.uid ?? null, owner_name: owner?.name ?? null })
        .where('organization_id', '=', organizationId)
        .where('id', '=', topicId),
    )
    await recordAudit(transaction, organizationId, {
      actor,
      action: 'topic.setOwner',
      subject: topic.name,
      details: { from: topic.owner?.name ?? null, to: owner?.name ?? null },
    })
    return { ...topic, owner }
  })
}

/**
 * Takes a topic away from clients at once. Its records may be removed after `graceMs`; its name is free immediately.
 * @throws StorageError UnknownTopic
 */
export function deleteTopic(
  database: Database,
  organizationId: string,
  topicId: string,
  graceMs: number,
  actor: string,
): Promise<void> {
  return inOrganization(database, organizationId, async (transaction) => {
    const topic = await lockTopic(transaction, organizationId, topicId)
    await run(
      transaction,
      build
        .updateTable('topics')
        .set({ deleted_at: sql<Date>`now()`, purge_after: sql<Date>`now() + ${graceMs} * interval '1 ms'` })
        .where('organization_id', '=', organizationId)
        .where('id', '=', topicId),
    )
    await recordAudit(transaction, organizationId, { actor, action: 'topic.delete', subject: topic.name })
  })
}
