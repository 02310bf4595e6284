import { TOPIC_CONFIGS } from '@streamhouse/proto/kafka/generated/topic-configs'
import { expect, it } from 'vitest'
import { changeConfig } from './config-changes.ts'
import { checkTopicConfig, checkTopicConfigs } from './config-validation.ts'
import { topicConfigOf } from './topic-config.ts'
import { checkTopicName, collidingName } from './topic-names.ts'

it.each(TOPIC_CONFIGS.map(({ name, default: value }) => [name, value]))(
  'the default of %s is valid',
  (name, value) => {
    expect(checkTopicConfig(name, value)).toBeNull()
  },
)

it.each([
  ['retention.ms', '-1'],
  ['retention.ms', '9223372036854775807'],
  ['compression.gzip.level', '-1'],
  ['compression.gzip.level', '9'],
  ['cleanup.policy', 'compact, delete'],
  ['cleanup.policy', ''],
  ['min.cleanable.dirty.ratio', '0.25'],
  ['min.cleanable.dirty.ratio', '1e-3'],
  ['preallocate', 'TRUE'],
  ['leader.replication.throttled.replicas', '*'],
  ['leader.replication.throttled.replicas', '0:1,1:2'],
])('%s accepts %s', (name, value) => {
  expect(checkTopicConfig(name, value)).toBeNull()
})

it.each([
  ['retention.ms', '-2', 'at least -1'],
  ['retention.ms', '9223372036854775808', 'between'],
  ['retention.ms', '1.5', 'whole number'],
  ['retention.ms', '', 'whole number'],
  ['retention.ms', '9'.repeat(5_000), 'whole number'],
  ['max.message.bytes', '2147483648', 'between'],
  ['compression.gzip.level', '0', 'between 1 and 9 or -1'],
  ['compression.zstd.level', '23', 'between -131072 and 22'],
  ['cleanup.policy', 'compact,shred', "'shred'"],
  ['cleanup.policy', 'delete,delete', 'twice'],
  ['compression.type', 'LZ4', 'one of'],
  ['min.cleanable.dirty.ratio', '1.1', 'between 0 and 1'],
  ['min.cleanable.dirty.ratio', 'NaN', 'number'],
  ['preallocate', 'yes', 'true or false'],
  ['follower.replication.throttled.replicas', '1:2,x', 'partition:broker'],
  ['retention.msx', '1', 'Unknown topic config'],
  ['__proto__', '1', 'Unknown topic config'],
])('%s refuses %s', (name, value, reason) => {
  expect(checkTopicConfig(name, value)).toContain(reason)
})

it('configs that contradict each other are refused together', () => {
  expect(checkTopicConfigs({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' })).toContain(
    'larger',
  )
  expect(checkTopicConfigs({ 'remote.storage.enable': 'true' })).toContain('object store')
  expect(checkTopicConfigs({ 'min.compaction.lag.ms': '5' })).toBeNull()
})

it('a topic takes its own settings before its tenant’s and passes over stored ones that are not valid', () => {
  const defaults = { config: { 'max.message.bytes': '2000', 'message.timestamp.type': 'LogAppendTime' } }
  expect(topicConfigOf({ 'max.message.bytes': '3000' }, defaults)).toMatchObject({
    maxMessageBytes: 3_000,
    timestampType: 'LogAppendTime',
    timestampAfterMaxMs: 3_600_000n,
  })
  expect(topicConfigOf({ 'max.message.bytes': 'lots' }, defaults).maxMessageBytes).toBe(2_000)
  expect(topicConfigOf({}, {}).maxMessageBytes).toBe(1_048_588)
  const compacted = (policy: string) => topicConfigOf({ 'cleanup.policy': policy }, {}).compacted
  expect(['compact', 'delete, compact', 'delete', '', 'burn'].map(compacted)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  expect(topicConfigOf({}, { config: { 'cleanup.policy': 'compact' } }).compacted).toBe(true)
})

it('lists are appended to and subtracted from what is in effect', () => {
  const inherited = () => 'delete'
  const append = [{ name: 'cleanup.policy', operation: 'append', value: 'compact' }] as const
  const subtract = [{ name: 'cleanup.policy', operation: 'subtract', value: 'delete' }] as const
  expect(changeConfig({}, append, inherited)).toEqual({ 'cleanup.policy': 'delete,compact' })
  expect(changeConfig({ 'cleanup.policy': 'delete,compact' }, subtract, inherited)).toEqual({
    'cleanup.policy': 'compact',
  })
  const number = [{ name: 'retention.ms', operation: 'append', value: '1' }] as const
  expect(() => changeConfig({}, number, inherited)).toThrow('is no list')
  const unknown = [{ name: 'constructor', operation: 'delete', value: '' }] as const
  expect(() => changeConfig({}, unknown, inherited)).toThrow('Unknown topic config')
})

it.each(['', '.', '..', 'a b', 'ü', 'a/b', 'x'.repeat(250)])('topic name %j is refused', (name) => {
  expect(checkTopicName(name)).not.toBeNull()
})

it('names collide when they differ only in dots and underscores', () => {
  expect(checkTopicName('x'.repeat(249))).toBeNull()
  expect(collidingName('a.b_c', ['a.b.d', 'a_b.c'])).toBe('a_b.c')
  expect(collidingName('a.b', ['a.b', 'a-b'])).toBeNull()
})
