import { setTimeout as sleep } from 'node:timers/promises'
import type { Resource } from '@streamhouse/operator/resources/resource'
import { definitions, type Operator } from '@streamhouse/operator/run'
import type { FolderSource } from '@streamhouse/operator/sources/folder/source'

/** A resource of the manifests, as the operator last said of it. */
export interface ResourceState {
  readonly kind: string
  readonly name: string
  readonly ready: boolean
  /** Why it is not ready. */
  readonly message: string
}

/** What the manifests hold, and how far the operator has come with it. */
function resourceStates(source: FolderSource): ResourceState[] {
  return definitions.flatMap((definition) => [...source.list(definition)].map(stateOf))
}

function stateOf(resource: Resource): ResourceState {
  const ready = resource.status?.conditions?.find((condition) => condition.type === 'Ready')
  const current = resource.status?.observedGeneration === resource.metadata.generation
  return {
    kind: resource.kind,
    name: resource.metadata.name,
    ready: ready?.status === 'True' && current,
    message: ready === undefined ? 'not looked at yet' : `${ready.reason}: ${ready.message}`,
  }
}

/**
 * Resolves when everything in the manifests is Ready.
 * @throws Error that says what is not, and why, once the time is up or a manifest is refused
 */
export async function allReady(
  operator: Operator,
  source: FolderSource,
  timeoutMs: number,
): Promise<ResourceState[]> {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(50)) {
    if (source.problems.length > 0) throw new Error(source.problems.join('\n'))
    const states = resourceStates(source)
    const waiting = states.filter((state) => !state.ready)
    if (operator.ready && waiting.length === 0) return states
    if (performance.now() > deadline) {
      if (waiting.length === 0)
        throw new Error(`The operator has not read the manifests within ${timeoutMs} ms`)
      const reasons = waiting.map(({ kind, name, message }) => `${kind} ${name} is not Ready: ${message}`)
      throw new Error(reasons.join('\n'))
    }
  }
}
