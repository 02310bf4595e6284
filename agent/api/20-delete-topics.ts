/**
 * DeleteTopics (key 20), versions 0 to 6.
 *
 * v5 adds error messages, v6 deletion by id (KIP-516). An answer comes when the topic is gone for clients; its records
 * are removed later.
 */
import { ZERO_UUID } from '@streamhouse/proto/kafka/codec/uuid'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type DeletableTopicResultInput,
  type DeleteTopicsRequest,
  type DeleteTopicsResponseInput,
  deleteTopics,
} from '@streamhouse/proto/kafka/generated/20-delete-topics'
import type { TopicAdmin } from '../catalog/topic-admin.ts'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import type { Handler, RequestContext } from './handler.ts'
import { duplicatesIn, refusalCodes } from './topic-refusals.ts'

export interface DeleteTopicsOptions {
  readonly admin: TopicAdmin
  readonly catalog: TopicCatalog
}

/** A topic as the request names it: by one of both. */
interface Target {
  readonly name: string | null
  readonly topicId: string
}

const firstVersionWithIds = 6

export function deleteTopicsHandler(
  options: DeleteTopicsOptions,
): Handler<DeleteTopicsRequest, DeleteTopicsResponseInput> {
  return {
    codec: deleteTopics,
    minVersion: 0,
    maxVersion: 6,
    async handle(request, context) {
      const targets = targetsOf(request, context.apiVersion)
      const duplicates = duplicatesIn(targets.map(keyOf))
      const { organizationId } = context.tenant
      const names = targets.flatMap(({ name }) => (name === null ? [] : [name]))
      const ids = targets.flatMap(({ topicId }) => (topicId === ZERO_UUID ? [] : [topicId]))
      const byName = await options.catalog.byName(organizationId, names)
      const byId = await options.catalog.byId(organizationId, ids)
      const responses: DeletableTopicResultInput[] = []
      for (const target of targets) {
        if (context.signal.aborted) break
        const topic = target.name === null ? byId.get(target.topicId) : byName.get(target.name)
        responses.push(
          isAmbiguous(target) || duplicates.has(keyOf(target))
            ? failed(
                target,
                ErrorCode.INVALID_REQUEST,
                'A topic must be named once, by its name or by its id',
              )
            : await deleteOne(options.admin, target, topic, context),
        )
      }
      return { responses }
    },
    failure: (request, errorCode, context) => ({
      responses: targetsOf(request, context.apiVersion).map((target) => failed(target, errorCode, null)),
    }),
  }
}

function targetsOf(request: DeleteTopicsRequest, apiVersion: number): readonly Target[] {
  return apiVersion >= firstVersionWithIds
    ? request.topics
    : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
}

function keyOf(target: Target): string {
  return target.name === null ? `id ${target.topicId}` : `name ${target.name}`
}

function isAmbiguous(target: Target): boolean {
  return (target.name === null) === (target.topicId === ZERO_UUID)
}

async function deleteOne(
  admin: TopicAdmin,
  target: Target,
  topic: CatalogTopic | undefined,
  context: RequestContext,
): Promise<DeletableTopicResultInput> {
  if (topic === undefined) {
    return target.name === null
      ? failed(target, ErrorCode.UNKNOWN_TOPIC_ID, `There is no topic with id ${target.topicId}`)
      : failed(target, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${target.name}'`)
  }
  const { tenant, principal } = context
  const refused = await admin.delete(topic, { tenant, principal, validateOnly: false })
  if (refused !== null) return failed(target, refusalCodes[refused.refusal], refused.message)
  return { name: topic.name, topicId: topic.topicId, errorCode: ErrorCode.NONE }
}

function failed(target: Target, errorCode: number, errorMessage: string | null): DeletableTopicResultInput {
  return { name: target.name, topicId: target.topicId, errorCode, errorMessage }
}
