import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '@streamhouse/platform/clock'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { CommonStatus, Condition, Resource } from '../resources/resource.ts'
import type { ResourceSource } from '../sources/resource-source.ts'
import { type Finding, hasCondition, toConditions, withFindings } from './conditions.ts'

/** Writes statuses, and only those that say something new. */
export class StatusWriter {
  readonly #source: ResourceSource
  readonly #clock: Clock

  constructor(source: ResourceSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** Writes the fields and the findings as the status of this generation. Fields that are undefined are left out. */
  async write<Status extends CommonStatus>(
    definition: ResourceDefinition,
    resource: Resource<unknown, Status>,
    fields: { readonly [Field in keyof Status]?: Status[Field] | undefined },
    findings: readonly Finding[],
  ): Promise<void> {
    const { generation } = resource.metadata
    const conditions = toConditions(findings, previousConditions(resource), generation, this.#now())
    await this.#writeIfNew(definition, resource, { ...fields, observedGeneration: generation, conditions })
  }

  /** Adds findings to what the status says already, for when nothing else is known about this generation. */
  async add(definition: ResourceDefinition, resource: Resource, findings: readonly Finding[]): Promise<void> {
    const conditions = withFindings(
      previousConditions(resource),
      findings,
      resource.metadata.generation,
      this.#now(),
    )
    await this.#writeIfNew(definition, resource, { ...resource.status, conditions })
  }

  async #writeIfNew(definition: ResourceDefinition, resource: Resource, status: object): Promise<void> {
    const plain = JSON.parse(JSON.stringify(status)) as CommonStatus
    if (isDeepStrictEqual(plain, resource.status)) return
    await this.#source.writeStatus(definition, resource, plain)
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  }
}

function previousConditions(resource: Resource): readonly Condition[] {
  return resource.status?.conditions ?? []
}

/** Whether the status says that this generation is done, so that an outage need not be mentioned. */
export function isSettled(resource: Resource): boolean {
  const { status, metadata } = resource
  if (metadata.deletionTimestamp !== undefined || status?.observedGeneration !== metadata.generation)
    return false
  return (
    hasCondition(status.conditions, 'Ready', 'True') || hasCondition(status.conditions, 'Stalled', 'True')
  )
}
