/** A spec, and what is wrong with it; null when nothing is. */
export interface Example {
  readonly title: string
  readonly kind: 'Topic' | 'Tenant'
  readonly name?: string
  readonly before?: unknown
  readonly spec: unknown
  readonly problem: RegExp | null
}

const tenantRef = { name: 'acme' }
const long = (length: number) => 'a'.repeat(length)

/** Both the API server and the folder source have to agree on these. */
export const examples: readonly Example[] = [
  { title: 'only a tenant', kind: 'Topic', spec: { tenantRef }, problem: null },
  {
    title: 'everything',
    kind: 'Topic',
    spec: {
      ...{ tenantRef: { name: 'acme', namespace: 'other' }, topicName: 'Some.Topic_1', partitions: 10_000 },
      ...{
        cleanupPolicy: ['Delete', 'Compact'],
        retention: { time: '1d12h', bytes: '1.5Gi' },
        config: { 'segment.ms': '5' },
      },
      ...{
        ignoredConfigKeys: ['segment.ms'],
        driftPolicy: 'Report',
        adoptionPolicy: 'Never',
        reclaimPolicy: 'Retain',
      },
      ...{ storage: { class: 'Express', tiering: { hot: '1d', cold: '30d' } }, deletionGracePeriod: '0s' },
      ...{ keySchemaRef: { name: 'key' }, valueSchemaRef: { name: 'value' }, deletionProtection: true },
    },
    problem: null,
  },
  {
    title: 'retention without end',
    kind: 'Topic',
    spec: { tenantRef, retention: { time: '-1', bytes: -1 } },
    problem: null,
  },
  { title: 'no tenant', kind: 'Topic', spec: { partitions: 1 }, problem: /tenantRef/ },
  { title: 'no spec', kind: 'Topic', spec: undefined, problem: /spec/ },
  { title: 'a tenant without a name', kind: 'Topic', spec: { tenantRef: {} }, problem: /name/ },
  { title: 'an unknown field', kind: 'Topic', spec: { tenantRef, replicas: 3 }, problem: /replicas/ },
  { title: 'no partitions', kind: 'Topic', spec: { tenantRef, partitions: 0 }, problem: /partitions/ },
  {
    title: 'too many partitions',
    kind: 'Topic',
    spec: { tenantRef, partitions: 10_001 },
    problem: /partitions/,
  },
  {
    title: 'partitions in words',
    kind: 'Topic',
    spec: { tenantRef, partitions: 'three' },
    problem: /partitions/,
  },
  { title: 'half a partition', kind: 'Topic', spec: { tenantRef, partitions: 1.5 }, problem: /partitions/ },
  {
    title: 'a space in the name',
    kind: 'Topic',
    spec: { tenantRef, topicName: 'a b' },
    problem: /topicName/,
  },
  { title: 'the name .', kind: 'Topic', spec: { tenantRef, topicName: '.' }, problem: /may not be \./ },
  { title: 'the name ..', kind: 'Topic', spec: { tenantRef, topicName: '..' }, problem: /may not be \./ },
  {
    title: 'an internal name',
    kind: 'Topic',
    spec: { tenantRef, topicName: '__offsets' },
    problem: /start with __/,
  },
  { title: 'a name of 250', kind: 'Topic', spec: { tenantRef, topicName: long(250) }, problem: /topicName/ },
  {
    title: 'metadata.name of 250',
    kind: 'Topic',
    name: long(250),
    spec: { tenantRef },
    problem: /metadata.name is longer/,
  },
  {
    title: 'metadata.name of 250 with another topic name',
    kind: 'Topic',
    name: long(250),
    spec: { tenantRef, topicName: 'short' },
    problem: null,
  },
  {
    title: 'an unknown policy',
    kind: 'Topic',
    spec: { tenantRef, cleanupPolicy: ['Shred'] },
    problem: /cleanupPolicy/,
  },
  {
    title: 'a policy twice',
    kind: 'Topic',
    spec: { tenantRef, cleanupPolicy: ['Delete', 'Delete'] },
    problem: /cleanupPolicy/,
  },
  { title: 'no policy', kind: 'Topic', spec: { tenantRef, cleanupPolicy: [] }, problem: /cleanupPolicy/ },
  {
    title: 'negative retention',
    kind: 'Topic',
    spec: { tenantRef, retention: { bytes: -2 } },
    problem: /retention.bytes/,
  },
  {
    title: 'retention in fortnights',
    kind: 'Topic',
    spec: { tenantRef, retention: { time: '1fn' } },
    problem: /retention.time/,
  },
  { title: 'empty retention', kind: 'Topic', spec: { tenantRef, retention: {} }, problem: /retention/ },
  {
    title: 'a policy given twice over',
    kind: 'Topic',
    spec: { tenantRef, cleanupPolicy: ['Delete'], config: { 'cleanup.policy': 'compact' } },
    problem: /cleanup.policy is set/,
  },
  {
    title: 'a retention given twice over',
    kind: 'Topic',
    spec: { tenantRef, retention: { time: '1d' }, config: { 'retention.ms': '1' } },
    problem: /retention.ms is set/,
  },
  {
    title: 'a config that is a number',
    kind: 'Topic',
    spec: { tenantRef, config: { 'segment.ms': 5 } },
    problem: /segment.ms/,
  },
  {
    title: 'too many configs',
    kind: 'Topic',
    spec: { tenantRef, config: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`c${at}`, '1'])) },
    problem: /config/,
  },
  {
    title: 'more partitions',
    kind: 'Topic',
    before: { tenantRef, partitions: 2 },
    spec: { tenantRef, partitions: 3 },
    problem: null,
  },
  {
    title: 'fewer partitions',
    kind: 'Topic',
    before: { tenantRef, partitions: 2 },
    spec: { tenantRef, partitions: 1 },
    problem: /may not shrink/,
  },
  {
    title: 'partitions let go',
    kind: 'Topic',
    before: { tenantRef, partitions: 2 },
    spec: { tenantRef },
    problem: null,
  },
  {
    title: 'another tenant',
    kind: 'Topic',
    before: { tenantRef },
    spec: { tenantRef: { name: 'other' } },
    problem: /tenantRef is immutable/,
  },
  {
    title: 'the same tenant by namespace',
    kind: 'Topic',
    before: { tenantRef },
    spec: { tenantRef: { ...tenantRef, namespace: 'other' } },
    problem: /tenantRef is immutable/,
  },
  {
    title: 'another name',
    kind: 'Topic',
    before: { tenantRef, topicName: 'a' },
    spec: { tenantRef, topicName: 'b' },
    problem: /name is immutable/,
  },
  {
    title: 'a name taken away',
    kind: 'Topic',
    before: { tenantRef, topicName: 'a' },
    spec: { tenantRef },
    problem: /name is immutable/,
  },
  {
    title: 'a name added',
    kind: 'Topic',
    before: { tenantRef },
    spec: { tenantRef, topicName: 'b' },
    problem: /name is immutable/,
  },
  {
    title: 'its own name added',
    kind: 'Topic',
    before: { tenantRef },
    spec: { tenantRef, topicName: 'example' },
    problem: null,
  },
  {
    title: 'storage added',
    kind: 'Topic',
    before: { tenantRef },
    spec: { tenantRef, storage: { class: 'Express' } },
    problem: /storage is immutable/,
  },
  { title: 'nothing', kind: 'Tenant', spec: {}, problem: null },
  {
    title: 'everything',
    kind: 'Tenant',
    spec: {
      ...{ tenantID: 'acme', suspended: true, reclaimPolicy: 'Delete', deletionProtection: true },
      allowedNamespaces: {
        from: 'Selector',
        selector: {
          matchLabels: { a: 'b' },
          matchExpressions: [{ key: 'c', operator: 'In', values: ['d'] }],
        },
      },
      quotas: { produceBytesPerSecond: '10Mi', maxTopics: 5, storageBytes: 1_000 },
      defaults: { partitions: 3, retention: { time: '7d' }, config: { 'segment.ms': '1' } },
      isolation: { mode: 'Dedicated', agentPoolRefs: [{ name: 'pool' }] },
    },
    problem: null,
  },
  { title: 'an ID with capitals', kind: 'Tenant', spec: { tenantID: 'Acme' }, problem: /tenantID/ },
  { title: 'a name that is no label', kind: 'Tenant', name: 'a.b', spec: {}, problem: /DNS label/ },
  {
    title: 'a name that is no label, and an ID',
    kind: 'Tenant',
    name: 'a.b',
    spec: { tenantID: 'ab' },
    problem: null,
  },
  {
    title: 'a selector that is not used',
    kind: 'Tenant',
    spec: { allowedNamespaces: { selector: {} } },
    problem: /selector is required/,
  },
  {
    title: 'a selector that is missing',
    kind: 'Tenant',
    spec: { allowedNamespaces: { from: 'Selector' } },
    problem: /selector is required/,
  },
  {
    title: 'In without values',
    kind: 'Tenant',
    spec: {
      allowedNamespaces: { from: 'Selector', selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    },
    problem: /values are required/,
  },
  {
    title: 'dedicated agents of no pool',
    kind: 'Tenant',
    spec: { isolation: { mode: 'Dedicated' } },
    problem: /agentPoolRefs/,
  },
  { title: 'a negative quota', kind: 'Tenant', spec: { quotas: { maxTopics: -1 } }, problem: /maxTopics/ },
  {
    title: 'a quota that is no quantity',
    kind: 'Tenant',
    spec: { quotas: { storageBytes: '-5Gi' } },
    problem: /storageBytes/,
  },
  {
    title: 'another ID',
    kind: 'Tenant',
    before: {},
    spec: { tenantID: 'other' },
    problem: /ID is immutable/,
  },
]
