/** Bounds of the Kafka listeners. Kafka's name of a setting, where it has one, stands beside it. */
export interface ServerLimits {
  /** socket.request.max.bytes */
  readonly maxRequestBytes: number
  /** Requests of one connection that may be handled at the same time. */
  readonly maxInFlightPerConnection: number
  /** Bytes of requests in flight and of queued responses above which a connection is not read from. */
  readonly maxConnectionBytes: number
  /**
   * queued.max.request.bytes: as above, for all connections together. Frames that have begun are read to their end; beyond twice this
   * value the connections that hold more than most are closed.
   */
  readonly maxTotalBytes: number
  /** max.connections */
  readonly maxConnections: number
  /** connections.max.idle.ms; also how long one frame may take to arrive. */
  readonly maxIdleMs: number
  /** How long a frame that has begun may bring no byte. */
  readonly maxStalledFrameMs: number
  /** How long a client may read nothing of its responses. */
  readonly maxBlockedWriteMs: number
  /** How long a client may keep memory and not move while requests wait for that memory. */
  readonly maxPressedStallMs: number
  /** How often connections are looked over for these times. */
  readonly sweepIntervalMs: number
}

export const defaultServerLimits: ServerLimits = Object.freeze({
  maxRequestBytes: 104_857_600,
  maxInFlightPerConnection: 64,
  maxConnectionBytes: 33_554_432,
  maxTotalBytes: 268_435_456,
  maxConnections: 10_000,
  maxIdleMs: 600_000,
  maxStalledFrameMs: 30_000,
  maxBlockedWriteMs: 60_000,
  maxPressedStallMs: 3_000,
  sweepIntervalMs: 1_000,
})
