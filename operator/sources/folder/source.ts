import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '@streamhouse/platform/clock'
import type { Log } from '@streamhouse/platform/log'
import type { Random } from '@streamhouse/platform/random'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import { describeError, OperatorError } from '../../errors.ts'
import { apiVersionOf, type ResourceDefinition } from '../../resources/definition.ts'
import {
  type CommonStatus,
  keyText,
  type ObjectMeta,
  type Resource,
  type ResourceKey,
} from '../../resources/resource.ts'
import type { ResourceChange, ResourceEvent, ResourceSource } from '../resource-source.ts'
import { type CheckedManifest, checkManifest, identifyManifest } from './check-manifest.ts'
import { listManifests, type ManifestDocument, type Manifests, readManifests } from './read-manifests.ts'
import { readState, type StoredResource, writeState } from './state-file.ts'

export interface FolderSourceOptions {
  /** Folder of manifests, which is only ever read. */
  readonly folder: string
  /** Folder for what has to be remembered, outside of `folder`. */
  readonly dataFolder: string
  readonly definitions: readonly ResourceDefinition[]
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  /** How often to look without being told of a change. */
  readonly rescanIntervalMs?: number
}

const settleMs = 100

/**
 * Custom resources from a folder of YAML files: a manifest stands for a resource, a manifest that is gone for its
 * deletion, which the finalizers hold up as they would in a cluster. The folder stays as the user wrote it; identities and
 * statuses are kept in the data folder. A manifest that is not valid changes nothing.
 */
export class FolderSource implements ResourceSource {
  readonly #options: FolderSourceOptions
  readonly #statePath: string
  /** By kind, then by `namespace/name`. */
  readonly #resources = new Map<string, Map<string, StoredResource>>()
  readonly #listeners = new Map<string, ((change: ResourceChange) => void)[]>()
  #id = ''
  #revision = 0
  #watcher: FSWatcher | null = null
  #scanTimer: Timer | null = null
  #rescanTimer: Timer | null = null
  #lastListing = ''
  #problems: readonly string[] = []
  #working: Promise<void> = Promise.resolve()
  #saving: Promise<void> | null = null
  #unsaved = false
  #stopped = false

  constructor(options: FolderSourceOptions) {
    this.#options = options
    this.#statePath = join(options.dataFolder, 'resources.json')
    for (const { kind } of options.definitions) this.#resources.set(kind, new Map())
  }

  get id(): string {
    return this.#id
  }

  /** What is wrong with the manifests now; empty when nothing is. */
  get problems(): readonly string[] {
    return this.#problems
  }

  async start(): Promise<void> {
    const state = await readState(this.#statePath)
    this.#id = state?.id ?? `folder-${this.#options.random.uuid()}`
    this.#revision = state?.revision ?? 0
    for (const stored of state?.resources ?? []) {
      const { kind, metadata } = stored.resource
      this.#resources.get(kind)?.set(keyText(metadata), stored)
    }
    for (const { kind } of this.#options.definitions) {
      for (const { resource } of this.#resources.get(kind)?.values() ?? [])
        this.#publish(resource, true, false)
    }
    await this.#scan(true)
    this.#watch()
    this.#rescanLater()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#watcher?.close()
    this.#scanTimer?.cancel()
    this.#rescanTimer?.cancel()
    await this.#working
    await this.#save()
  }

  /** Looks at the folder now; resolves when every change in it has been published. */
  rescan(): Promise<void> {
    return this.#scan(false)
  }

  subscribe(definition: ResourceDefinition, listener: (change: ResourceChange) => void): void {
    this.#listeners.set(definition.kind, [...(this.#listeners.get(definition.kind) ?? []), listener])
  }

  subscribeNamespaces(): void {
    // A folder has no namespaces whose labels could change.
  }

  get(definition: ResourceDefinition, key: ResourceKey): Resource | null {
    return this.#resources.get(definition.kind)?.get(keyText(key))?.resource ?? null
  }

  *list(definition: ResourceDefinition): Iterable<Resource> {
    for (const { resource } of this.#resources.get(definition.kind)?.values() ?? []) yield resource
  }

  serves(): boolean {
    return true
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> {
    return { 'kubernetes.io/metadata.name': namespace }
  }

  async exists(definition: ResourceDefinition, key: ResourceKey, uid: string): Promise<boolean> {
    return this.get(definition, key)?.metadata.uid === uid
  }

  async writeStatus(definition: ResourceDefinition, resource: Resource, status: CommonStatus): Promise<void> {
    const stored = this.#stored(definition, resource)
    const ready = status.conditions?.find(({ type }) => type === 'Ready')
    const before = stored.resource.status?.conditions?.find(({ type }) => type === 'Ready')
    this.#put(stored, { ...stored.resource, status }, true)
    if (ready === undefined || (ready.status === before?.status && ready.reason === before.reason)) return
    const fields = {
      kind: definition.kind,
      resource: keyText(resource.metadata),
      reason: ready.reason,
      detail: ready.message,
    }
    if (ready.status === 'True') this.#options.log.info('Ready', fields)
    else this.#options.log.warn('Not ready', fields)
  }

  async setFinalizers(
    definition: ResourceDefinition,
    resource: Resource,
    finalizers: readonly string[],
  ): Promise<void> {
    const stored = this.#stored(definition, resource)
    if (stored.resource.metadata.resourceVersion !== resource.metadata.resourceVersion) {
      throw new OperatorError(
        'Stale',
        `${definition.kind} ${keyText(resource.metadata)} has changed meanwhile`,
      )
    }
    const { finalizers: _, ...metadata } = stored.resource.metadata
    if (finalizers.length > 0)
      this.#put(stored, { ...stored.resource, metadata: { ...metadata, finalizers } }, false)
    else if (metadata.deletionTimestamp === undefined)
      this.#put(stored, { ...stored.resource, metadata }, false)
    else this.#forget(stored.resource)
  }

  recordEvent(resource: Resource, event: ResourceEvent): void {
    const fields = {
      kind: resource.kind,
      resource: keyText(resource.metadata),
      reason: event.reason,
      detail: event.message,
    }
    if (event.type === 'Warning') this.#options.log.warn('Event', fields)
    else this.#options.log.info('Event', fields)
  }

  #stored(definition: ResourceDefinition, { metadata }: Resource): StoredResource {
    const stored = this.#resources.get(definition.kind)?.get(keyText(metadata))
    if (stored?.resource.metadata.uid === metadata.uid) return stored
    throw new OperatorError('NotFound', `${definition.kind} ${keyText(metadata)} is gone`)
  }

  #put(stored: StoredResource, resource: Resource, statusOnly: boolean): void {
    const metadata = { ...resource.metadata, resourceVersion: String(++this.#revision) }
    const next = { ...resource, metadata }
    this.#resources.get(resource.kind)?.set(keyText(metadata), { ...stored, resource: next })
    this.#saveSoon()
    this.#publish(next, false, statusOnly)
  }

  #forget(resource: Resource): void {
    this.#resources.get(resource.kind)?.delete(keyText(resource.metadata))
    this.#saveSoon()
    this.#publish(resource, false, false)
    // A manifest that came back meanwhile stands for a new resource.
    this.#lastListing = ''
    this.#scanSoon()
  }

  #publish({ kind, metadata }: Resource, initial: boolean, statusOnly: boolean): void {
    const change = { key: { namespace: metadata.namespace, name: metadata.name }, initial, statusOnly }
    for (const listener of this.#listeners.get(kind) ?? []) listener(change)
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.#options.folder, { recursive: true, persistent: false }, () =>
        this.#scanSoon(),
      )
      this.#watcher.on('error', () => undefined)
    } catch {
      // The regular look at the folder has to do.
    }
  }

  /** Waits for an editor to finish its writes. */
  #scanSoon(): void {
    this.#scanTimer?.cancel()
    this.#scanTimer = this.#options.timers.after(settleMs, () => void this.#scan(false))
  }

  #rescanLater(): void {
    if (this.#stopped) return
    this.#rescanTimer = this.#options.timers.after(this.#options.rescanIntervalMs ?? 10_000, () => {
      void this.#scan(false).then(() => this.#rescanLater())
    })
  }

  #scan(initial: boolean): Promise<void> {
    this.#working = this.#working
      .then(() => (this.#stopped ? undefined : this.#readFolder(initial)))
      .catch((error: unknown) => {
        this.#report([`The folder of manifests cannot be read: ${describeError(error)}`])
      })
    return this.#working
  }

  async #readFolder(initial: boolean): Promise<void> {
    const { folder } = this.#options
    const files = await listManifests(folder)
    const listing = JSON.stringify(files)
    if (listing === this.#lastListing) return
    const manifests = await readManifests(folder, files)
    this.#lastListing = listing
    const changes = this.#takeIn(manifests)
    // An identity is on disk before anybody acts on it.
    if (changes.length > 0) await this.#save()
    for (const resource of changes) this.#publish(resource, initial, false)
  }

  /** Makes the resources what the manifests say; returns those that changed. */
  #takeIn(manifests: Manifests): Resource[] {
    const problems = [...manifests.problems]
    const changed: Resource[] = []
    const present = new Map<string, string>()
    for (const document of manifests.documents) {
      try {
        const manifest = identifyManifest(document, this.#options.definitions)
        const name = `${manifest.definition.kind} ${keyText(manifest.metadata)}`
        const first = present.get(name)
        if (first !== undefined)
          throw new OperatorError('InvalidManifest', `${document.file}: ${name} is in ${first} already`)
        present.set(name, document.file)
        const resource = this.#upsert(document, manifest)
        if (resource !== null) changed.push(resource)
      } catch (error) {
        problems.push(describeError(error))
      }
    }
    for (const stored of [...this.#resources.values()].flatMap((byKey) => [...byKey.values()])) {
      const { resource, file } = stored
      if (present.has(`${resource.kind} ${keyText(resource.metadata)}`) || manifests.broken.has(file))
        continue
      const removed = this.#remove(stored)
      if (removed !== null) changed.push(removed)
    }
    this.#report(problems)
    return changed
  }

  #upsert(document: ManifestDocument, manifest: CheckedManifest): Resource | null {
    const byKey = this.#resources.get(manifest.definition.kind)
    const key = keyText(manifest.metadata)
    const stored = byKey?.get(key)
    const before = stored?.resource ?? null
    // It comes back as a new resource when the old one has gone.
    if (before?.metadata.deletionTimestamp !== undefined) return null
    const { spec, metadata, definition, file } = checkManifest(document, manifest, before)
    const { labels, annotations } = before?.metadata ?? {}
    const sameSpec = before !== null && isDeepStrictEqual(before.spec, spec)
    if (sameSpec && stored?.file === file && isDeepStrictEqual({ labels, annotations }, texts(metadata)))
      return null
    const resourceVersion = String(++this.#revision)
    const identity: Pick<ObjectMeta, 'uid' | 'creationTimestamp'> = before?.metadata ?? {
      uid: this.#options.random.uuid(),
      creationTimestamp: this.#now(),
    }
    const { uid, creationTimestamp } = identity
    const generation = (before?.metadata.generation ?? 0) + (sameSpec ? 0 : 1)
    const finalizers = before?.metadata.finalizers
    const resource: Resource = {
      apiVersion: apiVersionOf(definition),
      kind: definition.kind,
      metadata: {
        ...{ ...metadata, uid, creationTimestamp, generation, resourceVersion },
        ...(finalizers === undefined ? {} : { finalizers }),
      },
      spec,
      status: before?.status ?? defaultStatus(definition),
    }
    byKey?.set(key, { resource, file })
    return resource
  }

  #remove(stored: StoredResource): Resource | null {
    const { resource } = stored
    const { metadata } = resource
    if (metadata.deletionTimestamp !== undefined) return null
    const byKey = this.#resources.get(resource.kind)
    if ((metadata.finalizers?.length ?? 0) === 0) {
      byKey?.delete(keyText(metadata))
      return resource
    }
    const resourceVersion = String(++this.#revision)
    const deleting = {
      ...resource,
      metadata: { ...metadata, resourceVersion, deletionTimestamp: this.#now() },
    }
    byKey?.set(keyText(metadata), { ...stored, resource: deleting })
    return deleting
  }

  #report(problems: readonly string[]): void {
    for (const problem of problems) {
      if (!this.#problems.includes(problem)) this.#options.log.error('A manifest is not valid', { problem })
    }
    if (problems.length === 0 && this.#problems.length > 0) this.#options.log.info('All manifests are valid')
    this.#problems = problems
  }

  #now(): string {
    return new Date(this.#options.clock.nowMs()).toISOString()
  }

  #saveSoon(): void {
    this.#unsaved = true
    this.#options.timers.soon(
      () =>
        void this.#save().catch((error: unknown) => {
          this.#options.log.error('The state of the resources cannot be saved', { error })
        }),
    )
  }

  /** Saves what is there now; calls that come while a save is under way share the next one. */
  async #save(): Promise<void> {
    this.#unsaved = true
    while (this.#unsaved) {
      if (this.#saving === null) {
        this.#unsaved = false
        const resources = [...this.#resources.values()].flatMap((byKey) => [...byKey.values()])
        this.#saving = writeState(this.#statePath, {
          id: this.#id,
          revision: this.#revision,
          resources,
        }).finally(() => {
          this.#saving = null
        })
      }
      await this.#saving
    }
  }
}

function texts({ labels, annotations }: Pick<ObjectMeta, 'labels' | 'annotations'>): unknown {
  return { labels, annotations }
}

/** What a resource's status says before the operator has seen it. */
function defaultStatus(definition: ResourceDefinition): CommonStatus {
  return structuredClone(definition.schema.properties?.status?.default ?? {}) as CommonStatus
}
