export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export const allCodecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** A record as the tests give it to a client; the topic is told beside it. */
export interface SentRecord {
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  /** Milliseconds since 1970; null leaves it to the client. */
  readonly timestamp: number | null
}

/** A record as a client gave it back. */
export interface ReadRecord extends SentRecord {
  readonly offset: number
  readonly timestamp: number
}

export interface ProduceOrder {
  readonly topic: string
  readonly codec: Codec
  readonly acks: 0 | 1 | -1
  readonly idempotent: boolean
  readonly records: readonly SentRecord[]
}

/** Where a client was told that its record went; null where it is not told. */
export type Placement = number | null

export interface GroupOrder {
  readonly topic: string
  readonly group: string
  readonly partitions: number
  /** How many records the first member reads while it is alone. */
  readonly first: number
  /** With records, a second member joins, the records are sent once both have their share, and both read them. */
  readonly more: readonly SentRecord[]
}

export interface GroupOutcome {
  /** Partitions of the first member while it was alone. */
  readonly alone: readonly number[]
  /** Partitions of each of the two members; empty when there was one. */
  readonly split: readonly (readonly number[])[]
  readonly first: readonly ReadRecord[]
  /** What the two members read together, in no order across partitions. */
  readonly second: readonly ReadRecord[]
  /** Committed offset of each partition, at the end; null when the library cannot tell. */
  readonly committed: readonly number[] | null
}

/** An answer of the server that the client turned into an error. */
export class ClientError extends Error {
  /** Kafka's error code, or null when the client does not tell. */
  readonly code: number | null

  constructor(message: string, code: number | null) {
    super(message)
    this.name = 'ClientError'
    this.code = code
  }
}

/** What a client library cannot do at all; the tests of it are left out. */
export interface Abilities {
  readonly codecs: readonly Codec[]
  readonly idempotence: boolean
  /** The admin operations, ListOffsets by time among them. */
  readonly admin: boolean
  /** Sets the timestamp of a record. */
  readonly timestamps: boolean
  /** Tells null from empty, and takes any bytes. */
  readonly bytes: boolean
  /** Sends a record whose key and value are both null. */
  readonly nothing: boolean
  /** Keeps headers of one name apart, and their order. */
  readonly headerList: boolean
  /** API key with which it changes a topic's configuration: 44, or 33 in older clients. */
  readonly alterConfigsKey: 33 | 44
}

/** One Kafka client library in its own language, behind the operations that the tests are written in. */
export interface KafkaClient {
  readonly name: string
  readonly abilities: Abilities
  produce(order: ProduceOrder): Promise<Placement[]>
  /** Reads partitions 0 to `partitions` - 1 from their beginning until `count` records came. */
  consume(topic: string, partitions: number, count: number): Promise<ReadRecord[]>
  group(order: GroupOrder): Promise<GroupOutcome>
  createTopic(topic: string, partitions: number, configs: Readonly<Record<string, string>>): Promise<void>
  deleteTopic(topic: string): Promise<void>
  listTopics(): Promise<string[]>
  partitionCount(topic: string): Promise<number>
  createPartitions(topic: string, total: number): Promise<void>
  topicConfigs(topic: string): Promise<Record<string, string | null>>
  /** Sets some configurations and leaves the others. */
  alterTopicConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void>
  /** The offset at a place or a time; a time after the last record gives -1 or the end, as the library has it. */
  offset(topic: string, partition: number, at: 'earliest' | 'latest' | number): Promise<number>
  close(): Promise<void>
}
