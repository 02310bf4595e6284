/**
 * CreatePartitions (key 37), versions 0 to 3.
 *
 * All versions mean the same. Deviation: assignments to any brokers are accepted, but there must be one for each new
 * partition.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type CreatePartitionsRequest,
  type CreatePartitionsResponseInput,
  type CreatePartitionsTopic,
  type CreatePartitionsTopicResultInput,
  createPartitions,
} from '@streamhouse/proto/kafka/generated/37-create-partitions'
import type { TopicAdmin } from '../catalog/topic-admin.ts'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import type { Handler, RequestContext } from './handler.ts'
import { duplicatesIn, refusalCodes } from './topic-refusals.ts'

export interface CreatePartitionsOptions {
  readonly admin: TopicAdmin
  readonly catalog: TopicCatalog
}

export function createPartitionsHandler(
  options: CreatePartitionsOptions,
): Handler<CreatePartitionsRequest, CreatePartitionsResponseInput> {
  return {
    codec: createPartitions,
    minVersion: 0,
    maxVersion: 3,
    async handle(request, context) {
      const names = request.topics.map((topic) => topic.name)
      const duplicates = duplicatesIn(names)
      const { organizationId } = context.tenant
      // What is cached may have fewer partitions than another agent has made since.
      for (const name of names) options.catalog.forget(organizationId, name)
      const found = await options.catalog.byName(organizationId, names)
      const results: CreatePartitionsTopicResultInput[] = []
      for (const name of duplicates) {
        results.push(failed(name, ErrorCode.INVALID_REQUEST, `Topic '${name}' is in the request twice`))
      }
      for (const topic of request.topics) {
        if (duplicates.has(topic.name)) continue
        if (context.signal.aborted) break
        const present = found.get(topic.name)
        results.push(await growOne(options.admin, topic, present, request.validateOnly, context))
      }
      return { results }
    },
    failure: (request, errorCode) => ({
      results: request.topics.map(({ name }) => failed(name, errorCode, null)),
    }),
  }
}

async function growOne(
  admin: TopicAdmin,
  wanted: CreatePartitionsTopic,
  present: CatalogTopic | undefined,
  validateOnly: boolean,
  context: RequestContext,
): Promise<CreatePartitionsTopicResultInput> {
  const { name, count, assignments } = wanted
  if (present === undefined) {
    return failed(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'`)
  }
  const added = count - present.partitionCount
  if (added > 0 && assignments !== null && !areAssignments(assignments, added)) {
    const message = `${assignments.length} assignments for ${added} new partitions: each needs one, of different brokers`
    return failed(name, ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  }
  const { tenant, principal } = context
  const refused = await admin.grow(present, count, { tenant, principal, validateOnly })
  if (refused !== null) return failed(name, refusalCodes[refused.refusal], refused.message)
  return { name, errorCode: ErrorCode.NONE }
}

function areAssignments(assignments: readonly { brokerIds: readonly number[] }[], added: number): boolean {
  return (
    assignments.length === added &&
    assignments.every(({ brokerIds }) => brokerIds.length > 0 && new Set(brokerIds).size === brokerIds.length)
  )
}

function failed(
  name: string,
  errorCode: number,
  errorMessage: string | null,
): CreatePartitionsTopicResultInput {
  return { name, errorCode, errorMessage }
}
