/** Why bytes could not be read, or a message could not be written. */
export type CodecErrorCode =
  | 'truncated'
  | 'invalid-length'
  | 'invalid-count'
  | 'invalid-varint'
  | 'invalid-uuid'
  | 'invalid-value'
  | 'unexpected-null'
  | 'trailing-bytes'
  | 'too-long'
  | 'unsupported-version'
  | 'unsupported-field'
  | 'unsupported-magic'
  | 'unsupported-compression'
  | 'corrupt-batch'
  | 'corrupt-record'
  | 'corrupt-compression'
  | 'checksum-mismatch'
  | 'decompressed-too-large'

/** The only error that reading or writing Kafka bytes throws. */
export class CodecError extends Error {
  readonly code: CodecErrorCode
  readonly retryable = false

  constructor(code: CodecErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CodecError'
    this.code = code
  }
}

/** Converts whatever a library threw into a CodecError, once, at the edge. */
export function asCodecError(code: CodecErrorCode, message: string, thrown: unknown): CodecError {
  if (thrown instanceof CodecError) return thrown
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return new CodecError(code, `${message}: ${reason}`, { cause: thrown })
}

/** Thrown by generated encoders for a request field that the version cannot carry (Kafka refuses these too). */
export function unsupportedField(field: string, version: number): CodecError {
  return new CodecError('unsupported-field', `Field ${field} is set but version ${version} cannot carry it`)
}

export function unsupportedVersion(message: string, version: number, min: number, max: number): CodecError {
  return new CodecError('unsupported-version', `${message} version ${version} is outside ${min} to ${max}`)
}

/** Returns the value, or throws when it is null in a version that has no null for this field. */
export function required<T>(value: T | null, field: string, version: number): T {
  if (value === null)
    throw new CodecError('unexpected-null', `Field ${field} is null, which version ${version} lacks`)
  return value
}
