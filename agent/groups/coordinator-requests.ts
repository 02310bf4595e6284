import type { Random } from '@streamhouse/platform/random'
import type { LiveGroup } from './live-group.ts'
import type { GroupErrorName, JoinRequest, OffsetCommitResult, OffsetToCommit, SyncRequest } from './types.ts'

/** Client ids are the client's to choose; more than this of one is not kept. */
const clientIdMaxLength = 255

/** The join as the group keeps it: bytes of its own, since a slice would keep the whole request in memory. */
export function heldJoin(request: JoinRequest): JoinRequest {
  return {
    ...request,
    clientId: request.clientId.slice(0, clientIdMaxLength),
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Uint8Array.from(metadata) })),
  }
}

/** The sync as the group keeps it. */
export function heldSync(request: SyncRequest): SyncRequest {
  const assignments = request.assignments.map(({ memberId, assignment }) => ({
    memberId,
    assignment: Uint8Array.from(assignment),
  }))
  return { ...request, assignments }
}

/** Kafka's form: a static member's id begins with its instance id, another's with its client id. */
export function newMemberId(random: Random, request: Pick<JoinRequest, 'instanceId' | 'clientId'>): string {
  return `${(request.instanceId ?? request.clientId).slice(0, clientIdMaxLength)}-${random.uuid()}`
}

/** Commits the offsets whose metadata is not too long, and answers for all. */
export async function commitRequest(
  live: LiveGroup,
  offsets: readonly OffsetToCommit[],
  metadataMaxBytes: number,
): Promise<OffsetCommitResult> {
  const fits = offsets.map(({ metadata }) => Buffer.byteLength(metadata) <= metadataMaxBytes)
  const admitted = offsets.filter((_, index) => fits[index])
  const stored =
    admitted.length === 0 ? { error: 'NONE' as const, results: [] } : await live.commitOffsets(admitted)
  if (stored.error !== 'NONE') return stored
  let next = 0
  const results = fits.map(
    (fit): GroupErrorName => (fit ? stored.results[next++]! : 'OFFSET_METADATA_TOO_LARGE'),
  )
  return { error: 'NONE', results }
}
