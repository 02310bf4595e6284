/**
 * What can go wrong in an agent, apart from what its libraries throw.
 * - `InvalidFrame`: a peer sent a length that no request can have.
 * - `NoFreeNodeId`: every node id that may be claimed is in use.
 * - `UnknownListener`: a name that no configured listener has.
 * - `InvalidConfig`: a topic cannot have this config.
 */
export type AgentErrorCode = 'InvalidFrame' | 'NoFreeNodeId' | 'UnknownListener' | 'InvalidConfig'

/** The agent's own error. */
export class AgentError extends Error {
  readonly code: AgentErrorCode
  readonly retryable = false

  constructor(code: AgentErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AgentError'
    this.code = code
  }
}
