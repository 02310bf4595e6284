import { randomUUID } from 'node:crypto'
import { RecordingLog } from '@streamhouse/platform/simulated/recording-log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemRandom } from '@streamhouse/platform/system/random'
import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { ZERO_UUID } from '@streamhouse/proto/kafka/codec/uuid'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { MetadataResponse } from '@streamhouse/proto/kafka/generated/03-metadata'
import type { CreateTopicsResponse } from '@streamhouse/proto/kafka/generated/19-create-topics'
import type { DeleteTopicsResponse } from '@streamhouse/proto/kafka/generated/20-delete-topics'
import type { DescribeConfigsResponse } from '@streamhouse/proto/kafka/generated/32-describe-configs'
import type { CreatePartitionsResponse } from '@streamhouse/proto/kafka/generated/37-create-partitions'
import type { IncrementalAlterConfigsResponse } from '@streamhouse/proto/kafka/generated/44-incremental-alter-configs'
import type { DescribeClusterResponse } from '@streamhouse/proto/kafka/generated/60-describe-cluster'
import { type Organization, saveOrganization } from '@streamhouse/storage/metadata/organizations'
import { startMetadata, type TestMetadata } from '@streamhouse/test/servers/metadata'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { CachedTenantDirectory } from '../auth/tenant-directory.ts'
import { brokerConfigTable } from '../catalog/broker-configs.ts'
import { CachedTopicCatalog } from '../catalog/cached-topic-catalog.ts'
import { TopicAdmin } from '../catalog/topic-admin.ts'
import { metadataHandler } from './03-metadata.ts'
import { createTopicsHandler } from './19-create-topics.ts'
import { deleteTopicsHandler } from './20-delete-topics.ts'
import { describeConfigsHandler } from './32-describe-configs.ts'
import { createPartitionsHandler } from './37-create-partitions.ts'
import { incrementalAlterConfigsHandler } from './44-incremental-alter-configs.ts'
import { describeClusterHandler } from './60-describe-cluster.ts'
import type { AnyHandler, RequestContext } from './handler.ts'

let server: TestMetadata
let tenant: Organization
let handlers: Map<number, AnyHandler>
let catalog: CachedTopicCatalog
let directory: CachedTenantDirectory

beforeAll(async () => {
  server = await startMetadata()
})

afterAll(() => server.stop())

const agents = [1, 2, 3].map((nodeId) => ({
  nodeId,
  incarnation: randomUUID(),
  host: `announced-${nodeId}`,
  port: 9_000 + nodeId,
  rack: nodeId === 3 ? 'c' : null,
}))

beforeEach(async () => {
  await useTenant({})
})

async function useTenant(options: Partial<Organization>): Promise<void> {
  const { database } = server
  const wanted: Organization = {
    organizationId: randomUUID(),
    tenantId: `tenant-${randomUUID()}`,
    suspended: false,
    quotas: {},
    defaults: {},
    owner: null,
    reclaimPolicy: 'Retain',
    ...options,
  }
  await saveOrganization(database, wanted, 'test')
  directory = new CachedTenantDirectory({ database, clock: systemClock, log: new RecordingLog() })
  tenant = (await directory.resolve(wanted.tenantId)).tenant as Organization
  catalog = new CachedTopicCatalog({
    database,
    clock: systemClock,
    defaultsOf: (organizationId) => directory.defaultsOf(organizationId),
  })
  const admin = new TopicAdmin({ database, catalog, random: systemRandom })
  const cluster = { self: agents[1]!, agents }
  const advertised = () => ({ host: 'advertised', port: 19_092 })
  const brokerConfigs = brokerConfigTable({ 'num.partitions': '4' })
  handlers = new Map(
    [
      metadataHandler({ catalog, admin, cluster, advertised }),
      createTopicsHandler({ admin }),
      deleteTopicsHandler({ admin, catalog }),
      createPartitionsHandler({ admin, catalog }),
      describeConfigsHandler({ catalog, cluster, brokerConfigs }),
      incrementalAlterConfigsHandler({ admin, catalog }),
      describeClusterHandler({ cluster, advertised }),
    ].map((handler: AnyHandler) => [handler.codec.key, handler]),
  )
}

/** Sends a request through its codec and gives the answer as the client decodes it. */
async function ask<Response>(key: number, apiVersion: number, request: object): Promise<Response> {
  const handler = handlers.get(key)!
  const context: RequestContext = {
    apiVersion,
    clientId: 'test',
    clientHost: '10.0.0.1',
    tenant,
    principal: 'User:ANONYMOUS',
    listenerName: 'kafka',
    signal: new AbortController().signal,
    releaseFrame: () => {},
    inOrder: async (enter) => enter(),
  }
  const asked = new Writer()
  handler.codec.encodeRequest(asked, request as never, apiVersion)
  const decoded = handler.codec.decodeRequest(new Reader(asked.finishBuffer()), apiVersion)
  const answered = new Writer()
  handler.codec.encodeResponse(answered, await handler.handle(decoded, context), apiVersion)
  return handler.codec.decodeResponse(new Reader(answered.finishBuffer()), apiVersion) as Response
}

const wanted = (name: string, more: object = {}) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
})

async function create(...topics: object[]): Promise<CreateTopicsResponse['topics']> {
  return (await ask<CreateTopicsResponse>(19, 7, { topics })).topics
}

it('a created topic is in the metadata, under its name and its id, with leaders spread over the agents', async () => {
  const [created] = await create(wanted('events', { numPartitions: 30, replicationFactor: 3 }))
  expect(created).toMatchObject({ errorCode: 0, numPartitions: 30, replicationFactor: 1 })
  expect(created!.configs!.find(({ name }) => name === 'retention.ms')).toMatchObject({
    value: '604800000',
    configSource: 5,
  })
  const byName = await ask<MetadataResponse>(3, 13, { topics: [{ name: 'events' }] })
  const byId = await ask<MetadataResponse>(3, 12, { topics: [{ name: null, topicId: created!.topicId }] })
  expect(byId.topics).toEqual(byName.topics)
  const { partitions } = byName.topics[0]!
  expect(new Set(partitions.map(({ leaderId }) => leaderId))).toEqual(new Set([1, 2, 3]))
  expect(partitions.every(({ leaderId, isrNodes }) => isrNodes[0] === leaderId)).toBe(true)
  expect(byName.brokers.map(({ host }) => host)).toEqual(['announced-1', 'advertised', 'announced-3'])
  expect(byName.clusterId).toHaveLength(22)
  expect(byName.topics[0]!.topicAuthorizedOperations).toBe(-2_147_483_648)
})

it('every version of every one of these APIs answers', async () => {
  await create(wanted('all'))
  const requests: Record<number, (version: number) => object> = {
    3: (version) => ({ topics: version === 0 ? [] : null }),
    19: (version) => ({ topics: [wanted(`made-by-${version}`)] }),
    20: (version) =>
      version >= 6
        ? { topics: [{ name: 'made-by-6', topicId: ZERO_UUID }], timeoutMs: 1 }
        : { topicNames: [`made-by-${version}`], timeoutMs: 1 },
    37: (version) => ({ topics: [{ name: 'all', count: version + 2 }], timeoutMs: 1, validateOnly: false }),
    32: () => ({ resources: [{ resourceType: 2, resourceName: 'all' }] }),
    44: () => ({ resources: [{ resourceType: 2, resourceName: 'all', configs: [] }], validateOnly: false }),
    60: () => ({ includeClusterAuthorizedOperations: true }),
  }
  for (const key of [3, 19, 20, 37, 32, 44, 60]) {
    const handler = handlers.get(key)!
    for (let version = handler.minVersion; version <= handler.maxVersion; version++) {
      const response = await ask<Record<string, unknown>>(key, version, requests[key]!(version))
      const items = (response.topics ?? response.results ?? response.responses ?? []) as {
        errorCode: number
      }[]
      expect(items.map(({ errorCode }) => errorCode)).toEqual(items.map(() => 0))
    }
  }
})

it('topics that cannot be are refused one by one, each with Kafka’s code', async () => {
  await create(wanted('taken'), wanted('dots.and_lines'))
  const config = (name: string, value: string | null) => ({ configs: [{ name, value }] })
  const cases: [object, number][] = [
    [wanted('taken'), ErrorCode.TOPIC_ALREADY_EXISTS],
    [wanted('dots_and.lines'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [wanted('no spaces'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [wanted(''), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [wanted('a', { numPartitions: 0 }), ErrorCode.INVALID_PARTITIONS],
    [wanted('b', { numPartitions: -2 }), ErrorCode.INVALID_PARTITIONS],
    [wanted('c', { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    [wanted('d', config('retention.ms', 'soon')), ErrorCode.INVALID_CONFIG],
    [wanted('e', config('retention', '1')), ErrorCode.INVALID_CONFIG],
    [wanted('f', config('retention.ms', null)), ErrorCode.INVALID_CONFIG],
    [wanted('g', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }), ErrorCode.INVALID_REQUEST],
    [
      wanted('h', {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 1, brokerIds: [1] }],
      }),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [wanted('good'), 0],
  ]
  const answers = await create(...cases.map(([topic]) => topic))
  expect(answers.map(({ errorCode }) => errorCode)).toEqual(cases.map(([, errorCode]) => errorCode))
  const [alone] = await create(wanted('big', { numPartitions: 10_001 }))
  expect(alone!.errorCode).toBe(ErrorCode.INVALID_PARTITIONS)
  const twice = await create(wanted('twin'), wanted('other'), wanted('twin'))
  expect(twice.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ['twin', ErrorCode.INVALID_REQUEST],
    ['other', 0],
  ])
  const all = await ask<MetadataResponse>(3, 9, { topics: null })
  expect(all.topics.map(({ name }) => name).sort()).toEqual(['dots.and_lines', 'good', 'other', 'taken'])
})

it('validateOnly does nothing, defaults come from the tenant, and quotas hold', async () => {
  await useTenant({
    quotas: { maxTopics: 2, maxPartitions: 5 },
    defaults: { partitions: 3, config: { 'retention.ms': '1000' } },
  })
  await ask(19, 5, { topics: [wanted('dry')], validateOnly: true })
  expect((await ask<MetadataResponse>(3, 9, { topics: null })).topics).toEqual([])
  const [created] = await create(wanted('one', { numPartitions: -1, replicationFactor: -1 }))
  expect(created!.numPartitions).toBe(3)
  expect(created!.configs!.find(({ name }) => name === 'retention.ms')).toMatchObject({
    value: '1000',
    configSource: 3,
  })
  const codes = async (...topics: object[]) => (await create(...topics)).map(({ errorCode }) => errorCode)
  expect(await codes(wanted('wide', { numPartitions: 3 }))).toEqual([ErrorCode.POLICY_VIOLATION])
  expect(await codes(wanted('two'))).toEqual([0])
  expect(await codes(wanted('three'))).toEqual([ErrorCode.POLICY_VIOLATION])
})

it('asking for a topic creates it unless the client or its name forbids that', async () => {
  const ask3 = async (name: string, allowAutoTopicCreation: boolean) =>
    (await ask<MetadataResponse>(3, 9, { topics: [{ name }], allowAutoTopicCreation })).topics[0]!
  expect((await ask3('auto', false)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect((await ask3('not ok', true)).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  const made = await ask3('auto', true)
  expect([made.errorCode, made.partitions.length]).toEqual([0, 1])
  expect((await ask3('auto', false)).partitions).toHaveLength(1)
  const unknown = await ask<MetadataResponse>(3, 12, { topics: [{ name: null, topicId: randomUUID() }] })
  expect(unknown.topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
})

it('a deleted topic is gone by name and id, and made anew it has another id', async () => {
  const [first, second] = await create(wanted('a'), wanted('b'))
  const targets = [
    { name: 'a', topicId: ZERO_UUID },
    { name: null, topicId: second!.topicId },
    { name: null, topicId: randomUUID() },
    { name: 'never', topicId: ZERO_UUID },
    { name: 'b', topicId: second!.topicId },
  ]
  const deleted = await ask<DeleteTopicsResponse>(20, 6, { topics: targets, timeoutMs: 1 })
  expect(deleted.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ['a', 0],
    ['b', 0],
    [null, ErrorCode.UNKNOWN_TOPIC_ID],
    ['never', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['b', ErrorCode.INVALID_REQUEST],
  ])
  expect(catalog.cached(tenant.organizationId, 'a')).toBeUndefined()
  expect(catalog.cachedById(tenant.organizationId, first!.topicId)).toBeUndefined()
  const [again] = await create(wanted('a'))
  expect(again).toMatchObject({ errorCode: 0 })
  expect(again!.topicId).not.toBe(first!.topicId)
})

it('partitions grow, never shrink', async () => {
  await create(wanted('p', { numPartitions: 2 }))
  const grow = async (name: string, count: number, more: object = {}, validateOnly = false) => {
    const request = { topics: [{ name, count, ...more }], timeoutMs: 1, validateOnly }
    return (await ask<CreatePartitionsResponse>(37, 3, request)).results[0]!.errorCode
  }
  expect(await grow('p', 2)).toBe(ErrorCode.INVALID_PARTITIONS)
  expect(await grow('p', 1)).toBe(ErrorCode.INVALID_PARTITIONS)
  expect(await grow('p', 10_001)).toBe(ErrorCode.INVALID_PARTITIONS)
  expect(await grow('nope', 3)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect(await grow('p', 4, { assignments: [{ brokerIds: [1] }] })).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  expect(await grow('p', 4, {}, true)).toBe(0)
  expect(await grow('p', 4, { assignments: [{ brokerIds: [1] }, { brokerIds: [9] }] })).toBe(0)
  const answer = await ask<MetadataResponse>(3, 9, { topics: [{ name: 'p' }] })
  expect(answer.topics[0]!.partitions).toHaveLength(4)
})

it('configs are altered as a whole or not at all, and described with their sources', async () => {
  await useTenant({ defaults: { config: { 'segment.ms': '5000' } } })
  await create(wanted('c'))
  const alter = async (configs: object[], validateOnly = false, resourceType = 2) => {
    const request = { resources: [{ resourceType, resourceName: 'c', configs }], validateOnly }
    return (await ask<IncrementalAlterConfigsResponse>(44, 1, request)).responses[0]!.errorCode
  }
  const set = (name: string, value: string | null) => ({ name, configOperation: 0, value })
  expect(await alter([set('retention.ms', '1'), set('max.message.bytes', 'x')])).toBe(
    ErrorCode.INVALID_CONFIG,
  )
  expect(await alter([set('retention.ms', '1'), set('retention.ms', '2')])).toBe(ErrorCode.INVALID_REQUEST)
  expect(await alter([{ name: 'retention.ms', configOperation: 9, value: '1' }])).toBe(
    ErrorCode.INVALID_REQUEST,
  )
  expect(await alter([set('retention.ms', '1')], true)).toBe(0)
  expect(await alter([set('num.partitions', '1')], false, 4)).toBe(ErrorCode.INVALID_REQUEST)
  const describe = async (keys: string[] | null) => {
    const resources = [{ resourceType: 2, resourceName: 'c', configurationKeys: keys }]
    const request = { resources, includeSynonyms: true }
    return (await ask<DescribeConfigsResponse>(32, 4, request)).results[0]!.configs
  }
  expect((await describe(['retention.ms']))[0]!.configSource).toBe(5)
  const compact = { name: 'cleanup.policy', configOperation: 2, value: 'compact' }
  expect(await alter([set('retention.ms', '1'), compact])).toBe(0)
  expect(await describe(['retention.ms', 'cleanup.policy', 'segment.ms'])).toMatchObject([
    { name: 'cleanup.policy', value: 'delete,compact', configSource: 1, configType: 7 },
    {
      name: 'retention.ms',
      value: '1',
      configSource: 1,
      synonyms: [
        { name: 'retention.ms', value: '1', source: 1 },
        { name: 'log.retention.ms', value: '604800000', source: 5 },
      ],
    },
    { name: 'segment.ms', value: '5000', configSource: 3 },
  ])
  expect(await alter([{ name: 'retention.ms', configOperation: 1, value: null }])).toBe(0)
  expect(await describe(['retention.ms'])).toMatchObject([{ value: '604800000', configSource: 5 }])
  expect(await describe(null)).toHaveLength(33)
})

it('a broker’s configs can be read, a stranger’s cannot', async () => {
  const resources = ['2', '', '9'].map((resourceName) => ({ resourceType: 4, resourceName }))
  const { results } = await ask<DescribeConfigsResponse>(32, 1, { resources })
  expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 0, ErrorCode.INVALID_REQUEST])
  const value = (name: string) => results[0]!.configs.find((config) => config.name === name)
  expect(value('num.partitions')).toMatchObject({ value: '4', configSource: 4, readOnly: true })
  expect(value('log.retention.ms')).toMatchObject({ value: '604800000', configSource: 5 })
  expect(value('node.id')!.value).toBe('2')
})

it('the cluster is described to whoever asks for brokers', async () => {
  const answer = await ask<DescribeClusterResponse>(60, 1, { includeClusterAuthorizedOperations: false })
  expect(answer.brokers.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3])
  expect([1, 2, 3]).toContain(answer.controllerId)
  const controllers = { includeClusterAuthorizedOperations: false, endpointType: 2 }
  expect((await ask<DescribeClusterResponse>(60, 1, controllers)).errorCode).toBe(
    ErrorCode.MISMATCHED_ENDPOINT_TYPE,
  )
})
