/**
 * Why an operation of the operator failed.
 * - `Unavailable`: the API server, or the network to it, did not answer; trying again can help.
 * - `Throttled`: the API server asks to come back later, after `retryAfterMs`.
 * - `Stale`: the resource has changed since it was read.
 * - `Gone`: the version to go on from is too old to be served.
 * - `NotFound`, `Forbidden`, `Invalid`: the request was refused; trying again does not help.
 * - `InvalidManifest`: a document in the folder of manifests is not a valid resource.
 * - `InvalidConfig`: an option of the program has no usable value.
 * - `LeadershipLost`: another process leads now.
 */
export type OperatorErrorCode =
  | 'Unavailable'
  | 'Throttled'
  | 'Stale'
  | 'Gone'
  | 'NotFound'
  | 'Forbidden'
  | 'Invalid'
  | 'InvalidManifest'
  | 'InvalidConfig'
  | 'LeadershipLost'

/** The only kind of error that the operator's own code throws on purpose. */
export class OperatorError extends Error {
  readonly code: OperatorErrorCode
  /** How long the other side asks to wait, when it says so. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: OperatorErrorCode,
    message: string,
    details: { retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'OperatorError'
    this.code = code
    this.retryAfterMs = details.retryAfterMs
  }
}

/** The message of anything that was thrown. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
