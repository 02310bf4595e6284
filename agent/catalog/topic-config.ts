/** The effective settings of a topic that the data path acts on. */
export interface TopicConfig {
  /** Largest record batch accepted, in bytes, after the producer's compression. */
  readonly maxMessageBytes: number
  /** Whether records keep the producer's timestamp or get the agent's. */
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly timestampBeforeMaxMs: bigint
  readonly timestampAfterMaxMs: bigint
}
