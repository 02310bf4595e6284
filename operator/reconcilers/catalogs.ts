import type { Database } from '@streamhouse/platform/database'
import type { Random } from '@streamhouse/platform/random'
import { StorageError } from '@streamhouse/storage/errors'
import {
  deleteOrganization,
  findOrganization,
  listOrganizations,
  type Organization,
  type OrganizationUsage,
  organizationUsage,
} from '@streamhouse/storage/metadata/organizations'
import {
  claimOrganization,
  claimTopic,
  findOwnedTopics,
  type OwnedTopic,
  type Owner,
} from '@streamhouse/storage/metadata/ownership'
import {
  addPartitions,
  changeTopicConfig,
  createTopic,
  deleteTopic,
} from '@streamhouse/storage/metadata/topics'

/** The tenants of the metadata store, as the Tenant reconciler needs them. */
export interface TenantCatalog {
  find(tenantId: string): Promise<Organization | null>
  list(): Promise<Organization[]>
  newId(): string
  /** Stores the organization if the owner still is `expected`; false when another resource has come first. */
  save(organization: Organization, expected: string | null, actor: string): Promise<boolean>
  usage(organizationId: string): Promise<OrganizationUsage>
  /** False while there are topics, deleted ones included. */
  remove(organizationId: string): Promise<boolean>
}

/** The topics of the metadata store, as the Topic reconciler needs them. */
export interface TopicCatalog {
  find(organizationId: string, name: string): Promise<OwnedTopic | null>
  list(organizationId: string): Promise<OwnedTopic[]>
  /** Null when a topic of this name has been made meanwhile. */
  create(organizationId: string, topic: NewTopic, actor: string): Promise<OwnedTopic | null>
  claim(topic: OwnedTopic, owner: Owner | null, actor: string): Promise<boolean>
  addPartitions(topic: OwnedTopic, partitions: number, actor: string): Promise<void>
  changeConfig(
    topic: OwnedTopic,
    change: (config: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
    actor: string,
  ): Promise<void>
  /** Takes the topic from its clients; it can be restored during `graceMs`. One that is gone already is no error. */
  remove(topic: OwnedTopic, graceMs: number, actor: string): Promise<void>
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
  readonly owner: Owner
}

/** The catalog of tenants in a database. */
export function tenantCatalog(database: Database, random: Random): TenantCatalog {
  return {
    find: (tenantId) => findOrganization(database, tenantId),
    list: () => listOrganizations(database),
    newId: () => random.uuid(),
    save: async (organization, expected, actor) => {
      return (await claimOrganization(database, organization, expected, actor)) !== null
    },
    usage: (organizationId) => organizationUsage(database, organizationId),
    remove: (organizationId) => unless('HasDependents', deleteOrganization(database, organizationId)),
  }
}

/** The catalog of topics in a database. */
export function topicCatalog(database: Database, random: Random): TopicCatalog {
  return {
    find: async (organizationId, name) =>
      (await findOwnedTopics(database, organizationId, [name]))[0] ?? null,
    list: (organizationId) => findOwnedTopics(database, organizationId),
    create: async (organizationId, topic, actor) => {
      const { name, partitions, config, owner } = topic
      const row = { topicId: random.uuid(), name, partitionCount: partitions, config }
      // Rows are made with the policy Delete; one to retain is owned only once it says so.
      const owned = owner.reclaimPolicy === 'Delete' ? { ...row, owner } : row
      if (!(await unless('TopicExists', createTopic(database, organizationId, owned, actor)))) return null
      const created = { organizationId, ...row, owner }
      if (owner.reclaimPolicy === 'Delete') return created
      return (await claimTopic(database, organizationId, row.topicId, { owner, expected: null }, actor))
        ? created
        : null
    },
    claim: ({ organizationId, topicId, owner: present }, owner, actor) => {
      return claimTopic(database, organizationId, topicId, { owner, expected: present?.uid ?? null }, actor)
    },
    addPartitions: async ({ organizationId, topicId }, partitions, actor) => {
      await addPartitions(database, organizationId, topicId, partitions, actor)
    },
    changeConfig: async ({ organizationId, topicId }, change, actor) => {
      await changeTopicConfig(database, organizationId, topicId, change, actor)
    },
    remove: async ({ organizationId, topicId }, graceMs, actor) => {
      await unless('UnknownTopic', deleteTopic(database, organizationId, topicId, graceMs, actor))
    },
  }
}

/** Whether the work succeeded, false when it failed with this code. */
async function unless(code: StorageError['code'], work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (error instanceof StorageError && error.code === code) return false
    throw error
  }
}
