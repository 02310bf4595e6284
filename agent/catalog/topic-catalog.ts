import type { Topic } from '@streamhouse/storage/metadata/topics'
import type { TopicConfig } from './topic-config.ts'

/** A topic with its config as it takes effect. */
export interface CatalogTopic extends Topic {
  readonly settings: TopicConfig
}

/**
 * The tenants' topics, cached: an entry is at most `maxAgeMs` old, and a name or id that is not cached is looked up before it
 * counts as unknown. Staleness is harmless: commits and reads check in the database that the topic still exists.
 */
export interface TopicCatalog {
  /** The topic if it is cached, without waiting; undefined says nothing about its existence. */
  cached(organizationId: string, name: string): CatalogTopic | undefined
  cachedById(organizationId: string, topicId: string): CatalogTopic | undefined
  /** The topics that exist among the names. */
  byName(organizationId: string, names: readonly string[]): Promise<Map<string, CatalogTopic>>
  /** The topics that exist among the ids. */
  byId(organizationId: string, topicIds: readonly string[]): Promise<Map<string, CatalogTopic>>
  /** Every topic of the tenant, by name. */
  all(organizationId: string): Promise<CatalogTopic[]>
  /** Forgets what is cached of a topic, after a change made here or an answer that showed the entry to be stale. */
  forget(organizationId: string, name: string): void
}
