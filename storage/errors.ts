/** What can go wrong in the log's storage that a caller can act on. */
export type StorageErrorCode =
  | 'CorruptObject'
  | 'MigrationChanged'
  | 'UnknownOrganization'
  | 'TopicExists'
  | 'UnknownTopic'
  | 'PartitionsCannotShrink'
  | 'HasDependents'

/** The storage package's error; database and object-store failures pass through as their own types. */
export class StorageError extends Error {
  readonly code: StorageErrorCode

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StorageError'
    this.code = code
  }
}
