/** Why an object operation failed. `Unavailable` and `Throttled` may succeed later, the others will not. */
export type ObjectStoreErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Unavailable'
  | 'Throttled'
  | 'Denied'
  | 'Corrupt'
  | 'InvalidKey'

/** The only error an ObjectStore throws, apart from an abort signal's own reason. */
export class ObjectStoreError extends Error {
  readonly code: ObjectStoreErrorCode
  readonly key: string

  constructor(code: ObjectStoreErrorCode, key: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ObjectStoreError'
    this.code = code
    this.key = key
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.code === 'Unavailable' || this.code === 'Throttled'
  }
}

export interface ObjectInfo {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

export interface ObjectPage {
  /** In ascending order of the key's UTF-8 bytes. */
  readonly objects: readonly ObjectInfo[]
  /** Pass as `after` to go on; absent on the last page. */
  readonly next?: string
}

/** Half-open range of bytes, `[start, end)`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Immutable named blobs: S3, or a local folder. Keys are at most 1,024 bytes, of `/`-separated segments of
 * `[A-Za-z0-9._=-]` of at most 255 bytes, none of them `.` or `..`.
 */
export interface ObjectStore {
  /**
   * Stores the concatenated parts under a key that is not used yet. Resolves once the object is durable and its length
   * and checksum have been confirmed; it is never visible half-written. Repeating a put of the same bytes succeeds, so
   * that a lost reply can be retried; other bytes under a used key are `AlreadyExists`.
   */
  put(key: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void>
  /** The whole object, or exactly the bytes of the range; fewer bytes than asked for are `Corrupt`. */
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer>
  /** Size and age of an object, or null when there is none. */
  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | null>
  /** A page of at most `limit` (1 to 1,000) objects whose keys start with `prefix`, after the key `after`. */
  list(prefix: string, options: { after?: string; limit: number; signal?: AbortSignal }): Promise<ObjectPage>
  /** Deletes the keys (at most 1,000); returns those that could not be deleted. A missing key counts as deleted. */
  delete(
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly { key: string; error: ObjectStoreError }[]>
}
