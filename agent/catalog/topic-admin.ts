import type { Database } from '@streamhouse/platform/database'
import type { Random } from '@streamhouse/platform/random'
import { StorageError } from '@streamhouse/storage/errors'
import { organizationUsage } from '@streamhouse/storage/metadata/organizations'
import {
  addPartitions,
  changeTopicConfig,
  createTopic,
  deleteTopic,
  type Topic,
} from '@streamhouse/storage/metadata/topics'
import type { Tenant } from '../auth/tenant.ts'
import { AgentError } from '../errors.ts'
import { checkTopicConfigs } from './config-validation.ts'
import type { TopicCatalog } from './topic-catalog.ts'
import { checkTopicName, collidingName, mayCollide } from './topic-names.ts'

/** Why a topic was not created, changed or deleted. */
export type TopicRefusal =
  | 'InvalidName'
  | 'TopicExists'
  | 'InvalidPartitions'
  | 'InvalidConfig'
  | 'QuotaExceeded'
  | 'UnknownTopic'

export interface Refused {
  readonly refusal: TopicRefusal
  readonly message: string
}

/** What is asked for; null leaves the partitions to the tenant's default. */
export interface WantedTopic {
  readonly name: string
  readonly partitionCount: number | null
  readonly config: Readonly<Record<string, string>>
}

/** What a request asks for and by whom. With `validateOnly` all is checked and nothing done. */
export interface Act {
  readonly tenant: Tenant
  readonly principal: string
  readonly validateOnly: boolean
}

/** A topic that was created, or would have been: then its id is null. */
export interface CreatedTopic {
  readonly topicId: string | null
  readonly partitionCount: number
  readonly config: Readonly<Record<string, string>>
}

export interface TopicAdminOptions {
  readonly database: Database
  readonly catalog: TopicCatalog
  readonly random: Random
  /** num.partitions: for topics that do not say, in tenants without a default; 1 when absent. */
  readonly defaultPartitions?: number
  /** 10,000 when absent. */
  readonly maxPartitionsPerTopic?: number
  /** How long the records of a deleted topic are kept; 60,000 when absent, as Kafka's file.delete.delay.ms. */
  readonly deleteGraceMs?: number
}

/** Creates, changes and deletes topics for clients: rules first, then the metadata, then the cache. */
export class TopicAdmin {
  readonly maxPartitionsPerTopic: number
  readonly #options: TopicAdminOptions

  constructor(options: TopicAdminOptions) {
    this.#options = options
    this.maxPartitionsPerTopic = options.maxPartitionsPerTopic ?? 10_000
  }

  /** Partitions of a topic that does not say how many. */
  defaultPartitions(tenant: Tenant): number {
    return tenant.defaults.partitions ?? this.#options.defaultPartitions ?? 1
  }

  async create(wanted: WantedTopic, act: Act): Promise<CreatedTopic | Refused> {
    const { database, catalog, random } = this.#options
    const { name, config } = wanted
    const { organizationId } = act.tenant
    const partitionCount = wanted.partitionCount ?? this.defaultPartitions(act.tenant)
    const refused =
      this.#checkWanted(name, partitionCount, config) ??
      (await this.#checkOthers(name, organizationId)) ??
      (await this.#checkQuota(act.tenant, 1, partitionCount))
    if (refused !== null) return refused
    if (act.validateOnly) return { topicId: null, partitionCount, config }
    try {
      const topic = { topicId: random.uuid(), name, partitionCount, config }
      return await createTopic(database, organizationId, topic, `kafka/${act.principal}`)
    } catch (error) {
      if (error instanceof StorageError && error.code === 'TopicExists') {
        return { refusal: 'TopicExists', message: error.message }
      }
      throw error
    } finally {
      catalog.forget(organizationId, name)
    }
  }

  /** Raises a topic's partitions to `partitionCount`. */
  async grow(topic: Topic, partitionCount: number, act: Act): Promise<Refused | null> {
    const { database, catalog } = this.#options
    const { organizationId, topicId, name } = topic
    const refused =
      this.#checkGrowth(topic, partitionCount) ??
      (await this.#checkQuota(act.tenant, 0, partitionCount - topic.partitionCount))
    if (refused !== null || act.validateOnly) return refused
    try {
      await addPartitions(database, organizationId, topicId, partitionCount, `kafka/${act.principal}`)
      return null
    } catch (error) {
      return asRefused(error)
    } finally {
      catalog.forget(organizationId, name)
    }
  }

  /** Gives the topic the config that `change` makes of its present one; the result is checked as a whole. */
  async configure(
    topic: Topic,
    change: (config: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
    act: Act,
  ): Promise<Refused | null> {
    const { database, catalog } = this.#options
    const { organizationId, topicId, name } = topic
    const checked = (config: Readonly<Record<string, string>>) => {
      const changed = change(config)
      const problem = checkTopicConfigs(changed)
      if (problem !== null) throw new AgentError('InvalidConfig', problem)
      return changed
    }
    try {
      if (act.validateOnly) checked(topic.config)
      else await changeTopicConfig(database, organizationId, topicId, checked, `kafka/${act.principal}`)
      return null
    } catch (error) {
      return asRefused(error)
    } finally {
      catalog.forget(organizationId, name)
    }
  }

  async delete(topic: Topic, act: Act): Promise<Refused | null> {
    const { database, catalog, deleteGraceMs } = this.#options
    const { organizationId, topicId, name } = topic
    try {
      await deleteTopic(database, organizationId, topicId, deleteGraceMs ?? 60_000, `kafka/${act.principal}`)
      return null
    } catch (error) {
      return asRefused(error)
    } finally {
      catalog.forget(organizationId, name)
    }
  }

  #checkWanted(
    name: string,
    partitionCount: number,
    config: Readonly<Record<string, string>>,
  ): Refused | null {
    const nameProblem = checkTopicName(name)
    if (nameProblem !== null) return { refusal: 'InvalidName', message: nameProblem }
    if (partitionCount < 1 || partitionCount > this.maxPartitionsPerTopic) {
      return {
        refusal: 'InvalidPartitions',
        message: `Number of partitions ${partitionCount} is not between 1 and ${this.maxPartitionsPerTopic}`,
      }
    }
    const configProblem = checkTopicConfigs(config)
    return configProblem === null ? null : { refusal: 'InvalidConfig', message: configProblem }
  }

  async #checkOthers(name: string, organizationId: string): Promise<Refused | null> {
    const { catalog } = this.#options
    if ((await catalog.byName(organizationId, [name])).has(name)) {
      return { refusal: 'TopicExists', message: `Topic '${name}' already exists` }
    }
    if (!mayCollide(name)) return null
    const names = (await catalog.all(organizationId)).map((topic) => topic.name)
    const other = collidingName(name, names)
    if (other === null) return null
    const message = `Topic '${name}' collides with existing topic '${other}': they differ only in '.' and '_'`
    return { refusal: 'InvalidName', message }
  }

  #checkGrowth(topic: Topic, partitionCount: number): Refused | null {
    const { name, partitionCount: present } = topic
    if (partitionCount > this.maxPartitionsPerTopic) {
      const message = `Topic '${name}' cannot have ${partitionCount} partitions, at most ${this.maxPartitionsPerTopic}`
      return { refusal: 'InvalidPartitions', message }
    }
    if (partitionCount > present) return null
    const message = `Topic '${name}' has ${present} partitions already, which is not less than ${partitionCount}`
    return { refusal: 'InvalidPartitions', message }
  }

  /** Two requests at the same moment may together go over a quota; the next one is refused. */
  async #checkQuota(tenant: Tenant, topics: number, partitions: number): Promise<Refused | null> {
    const { maxTopics, maxPartitions } = tenant.quotas
    if (maxTopics === undefined && maxPartitions === undefined) return null
    const usage = await organizationUsage(this.#options.database, tenant.organizationId)
    const over = (what: string, limit: number, count: number): Refused => ({
      refusal: 'QuotaExceeded',
      message: `Tenant '${tenant.tenantId}' may have ${limit} ${what}; this would make it ${count}`,
    })
    if (maxTopics !== undefined && topics > 0 && usage.topics + topics > maxTopics) {
      return over('topics', maxTopics, usage.topics + topics)
    }
    if (maxPartitions !== undefined && usage.partitions + partitions > maxPartitions) {
      return over('partitions', maxPartitions, usage.partitions + partitions)
    }
    return null
  }
}

function asRefused(error: unknown): Refused {
  if (error instanceof AgentError && error.code === 'InvalidConfig') {
    return { refusal: 'InvalidConfig', message: error.message }
  }
  if (error instanceof StorageError && error.code === 'UnknownTopic') {
    return { refusal: 'UnknownTopic', message: error.message }
  }
  if (error instanceof StorageError && error.code === 'PartitionsCannotShrink') {
    return { refusal: 'InvalidPartitions', message: error.message }
  }
  throw error
}
