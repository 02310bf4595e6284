import { OperatorError } from '../../errors.ts'
import { apiVersionOf, type ResourceDefinition } from '../../resources/definition.ts'
import type { ObjectMeta, Resource } from '../../resources/resource.ts'
import { applyDefaults } from '../../resources/validation/defaults.ts'
import { validate } from '../../resources/validation/validate.ts'
import type { ManifestDocument } from './read-manifests.ts'

/** What a manifest says, checked and with defaults. */
export interface CheckedManifest {
  readonly definition: ResourceDefinition
  readonly file: string
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations'>
  readonly spec: unknown
}

const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const maxMetadataBytes = 256 * 1024

/** Finds out which resource a document describes. Throws InvalidManifest naming file, document and field. */
export function identifyManifest(
  document: ManifestDocument,
  definitions: readonly ResourceDefinition[],
): CheckedManifest {
  const fail = failureOf(document)
  const { value, file } = document
  if (!isMap(value)) return fail('the document is not a map')
  const { apiVersion, kind, metadata } = value
  const definition = definitions.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion)
  if (definition === undefined) {
    const known = definitions.map((each) => `${each.kind} of ${apiVersionOf(each)}`).join(', ')
    return fail(`kind: ${String(kind)} of ${String(apiVersion)} is not known here, only ${known}`)
  }
  if (!isMap(metadata)) return fail('metadata: is required')
  const { name, namespace = 'default', labels, annotations } = metadata
  if (typeof name !== 'string' || name.length > 253 || !namePattern.test(name)) {
    return fail(`metadata.name: ${JSON.stringify(name)} is not a DNS name of at most 253 characters`)
  }
  if (typeof namespace !== 'string' || !namespacePattern.test(namespace)) {
    return fail(
      `metadata.namespace: ${JSON.stringify(namespace)} is not a DNS label of at most 63 characters`,
    )
  }
  const texts = {
    ...textMap(labels, 'metadata.labels', fail),
    ...textMap(annotations, 'metadata.annotations', fail),
  }
  if (JSON.stringify(texts).length > maxMetadataBytes)
    return fail(`metadata: is larger than ${maxMetadataBytes} bytes`)
  return {
    definition,
    file,
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels: textMap(labels, 'metadata.labels', fail) }),
      ...(annotations === undefined
        ? {}
        : { annotations: textMap(annotations, 'metadata.annotations', fail) }),
    },
    spec: value.spec,
  }
}

/** Checks the manifest as the API server would, also against the resource it changes; gives it with its defaults. */
export function checkManifest(
  document: ManifestDocument,
  manifest: CheckedManifest,
  before: Resource | null,
): CheckedManifest {
  const { schema } = manifest.definition
  // What the operator and the API server write is not for a manifest to say.
  const { status: _, ...given } = document.value as Record<string, unknown>
  const properties = { ...schema.properties }
  delete properties.status
  const value = applyDefaults({ ...schema, properties }, { ...given, metadata: manifest.metadata }) as {
    spec?: unknown
  }
  const problems = validate({ ...schema, properties }, value, before === null ? undefined : plain(before))
  if (problems.length > 0) return failureOf(document)(problems.join('; '))
  return { ...manifest, spec: value.spec }
}

/** The part of a resource that manifests speak of. */
function plain({ apiVersion, kind, metadata, spec }: Resource): unknown {
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, spec }
}

function failureOf({ file, position }: ManifestDocument): (problem: string) => never {
  return (problem) => {
    throw new OperatorError('InvalidManifest', `${file}, document ${position}: ${problem}`)
  }
}

function textMap(value: unknown, path: string, fail: (problem: string) => never): Record<string, string> {
  if (value === undefined || value === null) return {}
  if (!isMap(value)) return fail(`${path}: is not a map`)
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      return fail(`${path}.${name}: ${JSON.stringify(text)} is not a string; put it in quotes`)
  }
  return value as Record<string, string>
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
