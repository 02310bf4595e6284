import type { Clock } from '@streamhouse/platform/clock'
import type { Random } from '@streamhouse/platform/random'
import type { Timers } from '@streamhouse/platform/timers'
import { OperatorError } from '../../errors.ts'
import type { SourceMetrics } from '../../metrics.ts'
import { apiVersionOf, type ResourceDefinition } from '../../resources/definition.ts'
import { type CommonStatus, keyText, type Resource, type ResourceKey } from '../../resources/resource.ts'
import type { ResourceChange, ResourceEvent, ResourceSource } from '../resource-source.ts'
import { applyPatch, jsonPatch, type KubernetesApi } from './api.ts'
import { EventRecorder } from './event-recorder.ts'
import { type KubernetesObject, Reflector } from './reflector.ts'

export interface KubernetesSourceOptions {
  readonly api: KubernetesApi
  readonly definitions: readonly ResourceDefinition[]
  /** Namespaces to look at; all of them when empty, which also makes their labels known. */
  readonly namespaces: readonly string[]
  /** Identifies the cluster; asked from it (the uid of kube-system) when absent. */
  readonly clusterId?: string
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly metrics: SourceMetrics
  readonly relistIntervalMs?: number
  readonly missGraceMs?: number
}

const fieldManager = 'streamhouse-operator'

/** Custom resources of a Kubernetes cluster. */
export class KubernetesSource implements ResourceSource {
  readonly #options: KubernetesSourceOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>[] = []
  /** By plural name, then by namespace; the empty namespace stands for all. */
  readonly #reflectors = new Map<string, Map<string, Reflector<Resource>>>()
  readonly #namespaces: Reflector<KubernetesObject> | null
  readonly #listeners = new Map<string, ((change: ResourceChange) => void)[]>()
  readonly #namespaceListeners: ((namespace: string) => void)[] = []
  readonly #events: EventRecorder
  #id: string | undefined

  constructor(options: KubernetesSourceOptions) {
    this.#options = options
    this.#id = options.clusterId
    this.#events = new EventRecorder(options.api, options.clock, fieldManager)
    const namespaces = options.namespaces.length === 0 ? [''] : options.namespaces
    for (const definition of options.definitions) {
      const each = namespaces.map((namespace) => [namespace, this.#reflect(definition, namespace)] as const)
      this.#reflectors.set(definition.plural, new Map(each))
    }
    this.#namespaces = options.namespaces.length === 0 ? this.#reflectNamespaces() : null
  }

  get id(): string {
    if (this.#id === undefined) throw new OperatorError('Unavailable', 'The source has not been started')
    return this.#id
  }

  async start(): Promise<void> {
    this.#id ??= await this.#askClusterId()
    const runs = [...this.#reflectors.values()].flatMap((each) =>
      [...each.values()].map((reflector) => reflector.run.bind(reflector)),
    )
    if (this.#namespaces !== null) runs.push(this.#namespaces.run.bind(this.#namespaces))
    const stopped = new Promise<void>((resolve) => {
      this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.all(
      runs.map((run) => {
        const synced = new Promise<void>((resolve) => {
          this.#running.push(run(this.#stopping.signal, resolve))
        })
        return Promise.race([synced, stopped])
      }),
    )
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new OperatorError('Unavailable', 'The source was stopped'))
    await Promise.all(this.#running)
    await this.#events.settled()
  }

  subscribe(definition: ResourceDefinition, listener: (change: ResourceChange) => void): void {
    const listeners = this.#listeners.get(definition.plural) ?? []
    listeners.push(listener)
    this.#listeners.set(definition.plural, listeners)
  }

  subscribeNamespaces(listener: (namespace: string) => void): void {
    this.#namespaceListeners.push(listener)
  }

  get(definition: ResourceDefinition, key: ResourceKey): Resource | null {
    return this.#reflector(definition, key.namespace)?.get(key.namespace, key.name) ?? null
  }

  *list(definition: ResourceDefinition): Iterable<Resource> {
    for (const reflector of this.#reflectors.get(definition.plural)?.values() ?? []) yield* reflector.values()
  }

  serves(namespace: string): boolean {
    const { namespaces } = this.#options
    return namespaces.length === 0 || namespaces.includes(namespace)
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> | null {
    if (this.#namespaces === null) return { 'kubernetes.io/metadata.name': namespace }
    const found = this.#namespaces.get('', namespace)
    return found === null ? null : (found.metadata.labels ?? {})
  }

  async exists(definition: ResourceDefinition, key: ResourceKey, uid: string): Promise<boolean> {
    try {
      const found = (await this.#options.api.request({
        method: 'GET',
        path: pathOf(definition, key),
      })) as Resource
      return found.metadata.uid === uid
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'NotFound') return false
      throw error
    }
  }

  async writeStatus(definition: ResourceDefinition, resource: Resource, status: CommonStatus): Promise<void> {
    const { name, namespace, uid } = resource.metadata
    const answer = await this.#options.api.request({
      method: 'PATCH',
      path: `${pathOf(definition, resource.metadata)}/status`,
      query: { fieldManager, force: 'true' },
      contentType: applyPatch,
      // The uid makes it a conflict, not a write to a namesake, when the resource was replaced meanwhile.
      body: {
        apiVersion: apiVersionOf(definition),
        kind: definition.kind,
        metadata: { name, namespace, uid },
        status,
      },
    })
    this.#reflector(definition, namespace)?.learn(answer as Resource)
    this.#options.metrics.statusWritten(definition.kind)
  }

  async setFinalizers(
    definition: ResourceDefinition,
    resource: Resource,
    finalizers: readonly string[],
  ): Promise<void> {
    const { namespace, resourceVersion } = resource.metadata
    const answer = await this.#options.api.request({
      method: 'PATCH',
      path: pathOf(definition, resource.metadata),
      query: { fieldManager },
      contentType: jsonPatch,
      body: [
        { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
        { op: 'add', path: '/metadata/finalizers', value: finalizers },
      ],
    })
    const { metadata } = answer as Resource
    // Without a finalizer left, a resource that is being deleted is gone: the watch says so.
    if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) {
      this.#reflector(definition, namespace)?.learn(answer as Resource)
    }
  }

  recordEvent(resource: Resource, event: ResourceEvent): void {
    this.#events.record(resource, event)
  }

  #reflector(definition: ResourceDefinition, namespace: string): Reflector<Resource> | undefined {
    const byNamespace = this.#reflectors.get(definition.plural)
    return byNamespace?.get('') ?? byNamespace?.get(namespace)
  }

  #reflect(definition: ResourceDefinition, namespace: string): Reflector<Resource> {
    return new Reflector<Resource>({
      ...this.#options,
      path: collectionPath(definition, namespace),
      observer: this.#options.metrics.reflector(definition.kind),
      changed: (before, after, initial) => this.#publish(definition, before, after, initial),
    })
  }

  #reflectNamespaces(): Reflector<KubernetesObject> {
    return new Reflector<KubernetesObject>({
      ...this.#options,
      path: '/api/v1/namespaces',
      metadataOnly: true,
      observer: this.#options.metrics.reflector('Namespace'),
      changed: (before, after, initial) => {
        const name = (after ?? before)?.metadata.name
        if (initial || name === undefined) return
        if (JSON.stringify(before?.metadata.labels) === JSON.stringify(after?.metadata.labels)) return
        for (const listener of this.#namespaceListeners) listener(name)
      },
    })
  }

  #publish(
    definition: ResourceDefinition,
    before: Resource | null,
    after: Resource | null,
    initial: boolean,
  ): void {
    const resource = after ?? before
    if (resource === null) return
    const { namespace, name } = resource.metadata
    const change = { key: { namespace, name }, initial, statusOnly: isStatusOnly(before, after) }
    for (const listener of this.#listeners.get(definition.plural) ?? []) listener(change)
  }

  async #askClusterId(): Promise<string> {
    const path = '/api/v1/namespaces/kube-system'
    const namespace = (await this.#options.api.request({ method: 'GET', path })) as KubernetesObject
    return `kubernetes-${namespace.metadata.uid}`
  }
}

/** Whether nothing changed that a reconciler acts on: spec, deletion, finalizers, annotations and labels. */
function isStatusOnly(before: Resource | null, after: Resource | null): boolean {
  if (before === null || after === null) return false
  return relevant(before) === relevant(after)
}

function relevant({ metadata }: Resource): string {
  const { uid, generation, deletionTimestamp, finalizers, annotations, labels } = metadata
  return JSON.stringify([uid, generation, deletionTimestamp, finalizers, annotations, labels])
}

function collectionPath(definition: ResourceDefinition, namespace: string): string {
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `/apis/${apiVersionOf(definition)}${scope}/${definition.plural}`
}

function pathOf(definition: ResourceDefinition, key: ResourceKey): string {
  if (key.namespace === '')
    throw new OperatorError('Invalid', `${definition.kind} ${keyText(key)} has no namespace`)
  return `${collectionPath(definition, key.namespace)}/${encodeURIComponent(key.name)}`
}
