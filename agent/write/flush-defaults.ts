/** How objects are sealed and laid out where the config does not say. */
export interface FlushDefaults {
  readonly flushIntervalMs: number
  readonly objectsInFlight: number
  /** Whether runs of batches that came uncompressed are compressed with LZ4. */
  readonly compressRuns: boolean
}

/**
 * A put to a folder costs nothing and takes less than a commit; one to S3 is billed and takes a hundred times longer, and
 * every byte there is billed and crosses the network. Kafka, too, keeps on its disks what producers sent.
 */
export const flushDefaults: Readonly<Record<'folder' | 's3', FlushDefaults>> = {
  folder: { flushIntervalMs: 0, objectsInFlight: 2, compressRuns: false },
  s3: { flushIntervalMs: 250, objectsInFlight: 16, compressRuns: true },
}
