/** A source of randomness: the system's, or a seeded one that replays. */
export interface Random {
  /** A version 4 UUID in lower case. */
  uuid(): string
  /** A whole number from 0 up to but without `bound`; `bound` is at least 1 and at most 2^32. */
  integer(bound: number): number
  /** A number from 0 up to but without 1. */
  fraction(): number
  /** `length` random bytes. */
  bytes(length: number): Buffer
}
