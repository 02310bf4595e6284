/**
 * ApiVersions (key 18), versions 0 to 4.
 *
 * v1 adds the throttle time, v3 the client's name and version and the features (KIP-511), v4 features whose lowest version
 * is 0. The answer's header stays in its first form in every version. Whoever asks with a version that is not served
 * gets the answer of v0 with UNSUPPORTED_VERSION and the range of this API, and asks again on the same connection.
 * Deviation: no features are announced yet, so clients take transaction.version 0 and the classic group protocol.
 */
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type ApiVersionInput,
  type ApiVersionsRequest,
  type ApiVersionsResponseInput,
  apiVersions,
} from '@streamhouse/proto/kafka/generated/18-api-versions'
import type { AnyHandler, Handler } from './handler.ts'

/** What Kafka accepts as a client's name or version. */
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
const softwareNameMaxChars = 1_024
const validatedFrom = 3

/** Built from what is registered: nothing is announced that has no handler. */
export function apiVersionsHandler(
  handlers: readonly AnyHandler[],
): Handler<ApiVersionsRequest, ApiVersionsResponseInput> {
  const self: Handler<ApiVersionsRequest, ApiVersionsResponseInput> = {
    codec: apiVersions,
    minVersion: 0,
    maxVersion: 4,
    async handle(request, context) {
      const named =
        isSoftwareName(request.clientSoftwareName) && isSoftwareName(request.clientSoftwareVersion)
      if (context.apiVersion >= validatedFrom && !named) {
        return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
      }
      return { apiKeys: ranges }
    },
    failure: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
  }
  const ranges = [...handlers, self].map(rangeOf).sort((a, b) => a.apiKey - b.apiKey)
  return self
}

/** The answer, in version 0, to an ApiVersions request of a version that is not served. */
export function unsupportedApiVersions(handler: AnyHandler): ApiVersionsResponseInput {
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [rangeOf(handler)] }
}

function rangeOf(handler: AnyHandler): ApiVersionInput {
  return { apiKey: handler.codec.key, minVersion: handler.minVersion, maxVersion: handler.maxVersion }
}

function isSoftwareName(name: string): boolean {
  return name.length <= softwareNameMaxChars && softwareName.test(name)
}
