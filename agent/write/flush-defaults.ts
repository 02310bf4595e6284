/** How objects are sealed where the config does not say. */
export interface FlushDefaults {
  readonly flushIntervalMs: number
  readonly objectsInFlight: number
}

/** A put to a folder costs nothing and takes less than a commit; one to S3 is billed and takes a hundred times longer. */
export const flushDefaults: Readonly<Record<'folder' | 's3', FlushDefaults>> = {
  folder: { flushIntervalMs: 0, objectsInFlight: 2 },
  s3: { flushIntervalMs: 250, objectsInFlight: 16 },
}
