import { describe, expect, test } from 'vitest'
import { parseDurationMs } from '../resources/duration.ts'
import type { Tenant, TenantSpec } from '../resources/generated/tenant.ts'
import type { Topic, TopicSpec } from '../resources/generated/topic.ts'
import { parseQuantity } from '../resources/quantity.ts'
import { allowsNamespace } from './tenant-access.ts'
import { compareTopic, describeDifferences, desiredTopic, mergeConfig } from './topic.ts'

const metadata = {
  ...{ name: 'orders', namespace: 'ns', uid: 'u', generation: 1, resourceVersion: '1' },
  creationTimestamp: '2026-01-01T00:00:00Z',
}
function topic(spec: Partial<TopicSpec> = {}): Topic {
  const defaults = { driftPolicy: 'Revert', adoptionPolicy: 'IfEqual', reclaimPolicy: 'Delete' } as const
  const rest = { tenantRef: { name: 't' }, deletionGracePeriod: '72h', deletionProtection: false }
  return { apiVersion: '', kind: 'Topic', metadata, spec: { ...defaults, ...rest, ...spec } }
}
function tenant(spec: Partial<TenantSpec> = {}): Tenant {
  const defaults = { suspended: false, reclaimPolicy: 'Retain', deletionProtection: false } as const
  const rest = { allowedNamespaces: { from: 'Same' }, isolation: { mode: 'Shared' } } as const
  return { apiVersion: '', kind: 'Tenant', metadata, spec: { ...defaults, ...rest, ...spec } }
}

describe('desiredTopic', () => {
  test('the topic wins over the defaults of its tenant, and fields over configs', () => {
    const defaults = {
      partitions: 4,
      retention: { time: '1d', bytes: 5 },
      config: { 'segment.ms': '1', 'flush.ms': '2' },
    }
    const spec = {
      retention: { time: '2h' },
      config: { 'segment.ms': '9' },
      cleanupPolicy: ['Delete', 'Compact'],
    } as const
    const desired = desiredTopic(topic(spec), tenant({ defaults }))
    expect(desired).toMatchObject({
      name: 'orders',
      partitions: 4,
      managesPartitions: false,
      graceMs: 259_200_000,
    })
    expect(desired.config).toEqual({
      ...{ 'retention.ms': '7200000', 'retention.bytes': '5', 'segment.ms': '9', 'flush.ms': '2' },
      'cleanup.policy': 'compact,delete',
    })
  })

  test('the hash changes with what is asked for, not with the order of it', () => {
    const hash = (spec: Partial<TopicSpec>) => desiredTopic(topic(spec), tenant()).hash
    expect(hash({ config: { a: '1', b: '2' } })).toBe(hash({ config: { b: '2', a: '1' } }))
    expect(hash({ config: { a: '1' } })).not.toBe(hash({ config: { a: '2' } }))
    expect(hash({ partitions: 1 })).not.toBe(hash({}))
  })
})

describe('compareTopic', () => {
  test('configs that differ, are missing or too many are found, ignored ones and unmanaged partitions are not', () => {
    const desired = desiredTopic(
      topic({ config: { a: '1', b: '2', ignored: '3' }, ignoredConfigKeys: ['ignored'] }),
      tenant(),
    )
    const differences = compareTopic(desired, {
      partitionCount: 7,
      config: { a: '1', b: 'x', c: 'y', ignored: 'z' },
    })
    expect(differences).toEqual([
      { key: 'b', desired: '2', actual: 'x' },
      { key: 'c', actual: 'y' },
    ])
    expect(describeDifferences(differences)).toBe(`b is 'x', should be '2'; c is 'y', should be not set`)
    expect(mergeConfig(desired, { ignored: 'z', c: 'y' })).toEqual({ a: '1', b: '2', ignored: 'z' })
  })

  test('managed partitions are compared', () => {
    const desired = desiredTopic(topic({ partitions: 3 }), tenant())
    expect(compareTopic(desired, { partitionCount: 4, config: {} })).toEqual([
      { key: 'partitions', desired: '3', actual: '4' },
    ])
  })
})

describe('allowsNamespace', () => {
  const selector = {
    matchLabels: { team: 'blue' },
    matchExpressions: [
      { key: 'env', operator: 'NotIn', values: ['prod'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  } as const
  test.each([
    [{ from: 'Same' }, 'ns', {}, true],
    [{ from: 'Same' }, 'other', {}, false],
    [{ from: 'All' }, 'other', null, true],
    [{ from: 'Selector', selector }, 'other', { team: 'blue' }, true],
    [{ from: 'Selector', selector }, 'other', { team: 'blue', env: 'prod' }, false],
    [{ from: 'Selector', selector }, 'other', { team: 'blue', old: '' }, false],
    [{ from: 'Selector', selector }, 'other', null, false],
    [{ from: 'Selector', selector: {} }, 'other', { team: 'blue' }, false],
  ] as const)('%j lets namespace %s with %j in: %s', (allowedNamespaces, namespace, labels, expected) => {
    expect(allowsNamespace(tenant({ allowedNamespaces }), namespace, labels)).toBe(expected)
  })
})

test.each([
  ['7d', 604_800_000],
  ['1d12h30m5s1ms', 131_405_001],
  ['0s', 0],
  ['-1', -1],
  ['999999999999999d', Number.MAX_SAFE_INTEGER],
])('duration %s is %i ms', (text, expected) => {
  expect(parseDurationMs(text)).toBe(expected)
})

test.each([
  ['10Gi', 10 * 2 ** 30],
  ['1.5k', 1_500],
  [7, 7],
  ['-1', -1],
  ['0.0001', 1],
  ['9Ei', Number.MAX_SAFE_INTEGER],
])('quantity %s is %i', (text, expected) => {
  expect(parseQuantity(text)).toBe(expected)
})
