/** A call to the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with its segments encoded already. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly signal?: AbortSignal
}

/** The Kubernetes API over HTTP. Every failure is an OperatorError, except an abort, which is the signal's reason. */
export interface KubernetesApi {
  /** Sends the call and gives the parsed answer. */
  request(call: ApiRequest): Promise<unknown>
  /** Sends the call and gives the lines of an answer that goes on, until the server ends it. */
  stream(call: ApiRequest): AsyncIterable<string>
}

export const jsonPatch = 'application/json-patch+json'
export const mergePatch = 'application/merge-patch+json'
/** YAML's content type, since JSON is YAML: the only one that means server-side apply to every server. */
export const applyPatch = 'application/apply-patch+yaml'
