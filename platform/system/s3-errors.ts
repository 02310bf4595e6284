import { ObjectStoreError, type ObjectStoreErrorCode } from '../object-store.ts'

/** What the SDK's exceptions have in common. */
interface SdkError {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

const throttled = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequests',
  'TooManyRequestsException',
  'BandwidthLimitExceeded',
])

/** 4xx answers that pass: the body did not arrive whole or in time, or another request held the key. */
const passing = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'OperationAborted',
  'ConditionalRequestConflict',
])

/** Advice for the mistakes that installations make. */
const advice: Record<string, string> = {
  NoSuchBucket: 'create the bucket or correct its name',
  RequestTimeTooSkewed: "set this machine's clock",
  InvalidAccessKeyId: 'check the access key and the endpoint',
  SignatureDoesNotMatch: 'check the secret key',
  PermanentRedirect: 'set the region of the bucket',
  AuthorizationHeaderMalformed: 'set the region of the bucket',
  CredentialsProviderError: 'give credentials, or run where the SDK finds some',
}

function codeOf(name: string, status: number | undefined): ObjectStoreErrorCode {
  if (throttled.has(name) || status === 429) return 'Throttled'
  if (passing.has(name)) return 'Unavailable'
  if (name === 'NoSuchBucket' || name === 'CredentialsProviderError') return 'Denied'
  if (name === 'PreconditionFailed' || status === 412) return 'AlreadyExists'
  if (name === 'InvalidRange' || status === 416) return 'Corrupt'
  if (status === 404) return 'NotFound'
  // Without a status the network failed; 5xx is the server's trouble. Both pass.
  return status === undefined || status >= 500 ? 'Unavailable' : 'Denied'
}

/** Puts an error of the SDK, or of its connection, into the store's terms. */
export function toStoreError(error: unknown, key: string, doing: string): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error
  const { name = 'Error', code, message, $metadata } = (error ?? {}) as SdkError
  const status = $metadata?.httpStatusCode
  const mismatch = message?.startsWith('Checksum mismatch') ?? false
  const storeCode = mismatch ? 'Corrupt' : codeOf(name, status)
  const what = name === 'Error' || name === 'Unknown' ? (code ?? name) : name
  const hint = advice[name] === undefined ? '' : `; ${advice[name]}`
  const where = status === undefined ? '' : ` (HTTP ${status})`
  return new ObjectStoreError(
    storeCode,
    key,
    `${doing}: ${what}${where}: ${message ?? String(error)}${hint}`,
    error,
  )
}

/** An entry of DeleteObjects' answer; null when the key is gone all the same. */
export function toDeleteError(key: string, code: string, message: string): ObjectStoreError | null {
  if (code === 'NoSuchKey') return null
  const status = code === 'InternalError' || code === 'ServiceUnavailable' ? 503 : 400
  return new ObjectStoreError(codeOf(code, status), key, `Cannot delete object ${key}: ${code}: ${message}`)
}
