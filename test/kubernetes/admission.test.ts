import type { Resource } from '@streamhouse/operator/resources/resource'
import { definitions } from '@streamhouse/operator/run'
import { checkManifest, identifyManifest } from '@streamhouse/operator/sources/folder/check-manifest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ControlPlane, startControlPlane } from './control-plane/control-plane.ts'
import { type Example, examples } from './examples.ts'
import { manifest } from './manifests.ts'
import { crds, eventually, findBinaries } from './world.ts'

const binaries = await findBinaries()
const titleOf = ({ kind, title, before }: Example) =>
  `${kind} with ${title}${before === undefined ? '' : ', changed'}`

function textOf({ kind, name = 'example' }: Example, spec: unknown): string {
  return manifest(kind, name, spec)
}

describe('the folder source', () => {
  const check = (text: string, before: Resource | null) => {
    const document = { file: 'f.yaml', position: 1, value: JSON.parse(text) as unknown }
    return checkManifest(document, identifyManifest(document, definitions), before)
  }

  test.each(examples.map((example) => [titleOf(example), example] as const))('judges a %s', (_, example) => {
    let before: Resource | null = null
    if (example.before !== undefined) {
      const { spec, metadata } = check(textOf(example, example.before), null)
      before = { apiVersion: 'streamhouse.io/v1alpha1', kind: example.kind, metadata, spec } as Resource
    }
    const judge = () => check(textOf(example, example.spec), before)
    if (example.problem === null) expect(judge).not.toThrow()
    else expect(judge).toThrow(example.problem)
  })
})

describe.skipIf(binaries === null)('the API server', () => {
  let cluster: ControlPlane
  beforeAll(async () => {
    cluster = await startControlPlane(binaries ?? '')
    await cluster.kubectl(['apply', '-f', crds])
    await eventually(
      () => cluster.kubectl(['get', 'streamhouse', '-A']),
      () => true,
    )
  })
  afterAll(() => cluster?.stop())

  test.each(examples.map((example) => [titleOf(example), example] as const))(
    'judges a %s',
    async (_, example) => {
      const { kind, name = 'example', before, spec, problem } = example
      if (before !== undefined) await cluster.kubectl(['apply', '-f', '-'], textOf(example, before))
      try {
        const judge = cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], textOf(example, spec))
        if (problem === null) await judge
        else await expect(judge).rejects.toThrow(problem)
      } finally {
        if (before !== undefined) await cluster.kubectl(['delete', kind, name])
      }
    },
  )

  test('shows the short names and the category', async () => {
    const text = await cluster.kubectl(['api-resources', '--api-group=streamhouse.io', '-o', 'wide'])
    expect(text).toMatch(/topics\s+sht\s.*streamhouse/)
    expect(text).toMatch(/tenants\s+shten\s.*streamhouse/)
  })
})
