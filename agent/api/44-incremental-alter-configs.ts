/**
 * IncrementalAlterConfigs (key 44), versions 0 and 1.
 *
 * v1 is v0 in flexible form. Topic configs can be set, deleted, appended to and subtracted from (KIP-339); all changes of a
 * topic happen or none. A topic that a resource manages can be altered too: its operator sees that as drift.
 * Deviation: broker settings cannot be altered, they belong to the agent's deployment.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type AlterConfigsResource,
  type AlterConfigsResourceResponseInput,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponseInput,
  incrementalAlterConfigs,
} from '@streamhouse/proto/kafka/generated/44-incremental-alter-configs'
import { type ConfigChange, changeConfig } from '../catalog/config-changes.ts'
import type { TopicAdmin } from '../catalog/topic-admin.ts'
import type { CatalogTopic, TopicCatalog } from '../catalog/topic-catalog.ts'
import { effectiveConfig } from '../catalog/topic-config.ts'
import { ResourceType } from './config-sources.ts'
import type { Handler, RequestContext } from './handler.ts'
import { duplicatesIn, refusalCodes } from './topic-refusals.ts'

export interface IncrementalAlterConfigsOptions {
  readonly admin: TopicAdmin
  readonly catalog: TopicCatalog
}

/** Kafka's AlterConfigOp.OpType, by its number. */
const operations: readonly (ConfigChange['operation'] | undefined)[] = ['set', 'delete', 'append', 'subtract']

export function incrementalAlterConfigsHandler(
  options: IncrementalAlterConfigsOptions,
): Handler<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponseInput> {
  return {
    codec: incrementalAlterConfigs,
    minVersion: 0,
    maxVersion: 1,
    async handle(request, context) {
      const duplicates = duplicatesIn(request.resources.map(keyOf))
      const names = request.resources
        .filter(({ resourceType }) => resourceType === ResourceType.Topic)
        .map(({ resourceName }) => resourceName)
      const topics = await options.catalog.byName(context.tenant.organizationId, names)
      const responses: AlterConfigsResourceResponseInput[] = []
      for (const resource of request.resources) {
        if (context.signal.aborted) break
        responses.push(
          duplicates.has(keyOf(resource))
            ? answer(resource, ErrorCode.INVALID_REQUEST, 'A resource is in the request twice')
            : await alterOne(
                options.admin,
                resource,
                topics.get(resource.resourceName),
                request.validateOnly,
                context,
              ),
        )
      }
      return { responses }
    },
    failure: (request, errorCode) => ({
      responses: request.resources.map((resource) => answer(resource, errorCode, null)),
    }),
  }
}

function keyOf({ resourceType, resourceName }: AlterConfigsResource): string {
  return `${resourceType} ${resourceName}`
}

async function alterOne(
  admin: TopicAdmin,
  resource: AlterConfigsResource,
  topic: CatalogTopic | undefined,
  validateOnly: boolean,
  context: RequestContext,
): Promise<AlterConfigsResourceResponseInput> {
  if (resource.resourceType !== ResourceType.Topic) {
    const message = `Configs of resource type ${resource.resourceType} cannot be altered here, only those of topics (2)`
    return answer(resource, ErrorCode.INVALID_REQUEST, message)
  }
  const changes = changesOf(resource)
  if (typeof changes === 'string') return answer(resource, ErrorCode.INVALID_REQUEST, changes)
  if (topic === undefined) {
    const message = `There is no topic '${resource.resourceName.slice(0, 249)}'`
    return answer(resource, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
  }
  const { tenant, principal } = context
  const inherited = (name: string) => effectiveConfig(name, {}, tenant.defaults).value
  const change = (config: Readonly<Record<string, string>>) => changeConfig(config, changes, inherited)
  const refused = await admin.configure(topic, change, { tenant, principal, validateOnly })
  if (refused !== null) return answer(resource, refusalCodes[refused.refusal], refused.message)
  return answer(resource, ErrorCode.NONE, null)
}

/** The changes, or what is wrong with the request. */
function changesOf(resource: AlterConfigsResource): ConfigChange[] | string {
  const duplicates = duplicatesIn(resource.configs.map(({ name }) => name))
  const changes: ConfigChange[] = []
  for (const { name, configOperation, value } of resource.configs) {
    const operation = operations[configOperation]
    const shown = name.slice(0, 100)
    if (duplicates.has(name)) return `Config ${shown} is in the request twice`
    if (operation === undefined) return `Config ${shown} has the unknown operation ${configOperation}`
    if (value === null && operation !== 'delete') return `Config ${shown} has no value`
    changes.push({ name, operation, value: value ?? '' })
  }
  return changes
}

function answer(
  { resourceType, resourceName }: AlterConfigsResource,
  errorCode: number,
  errorMessage: string | null,
): AlterConfigsResourceResponseInput {
  return { errorCode, errorMessage, resourceType, resourceName }
}
