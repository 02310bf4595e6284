import type { HistoryEvent, PartitionName, ReadRecord } from '../history.ts'

export interface Violation {
  readonly checker: string
  readonly message: string
  /** Words by which the lines of the history that matter are found. */
  readonly about: readonly string[]
}

/** A partition read to its end through one agent, after everything had been healed. */
export interface FinalLog {
  readonly agent: string
  readonly partition: PartitionName
  readonly highWatermark: bigint
  readonly records: readonly ReadRecord[]
}

/** What the checkers judge. */
export interface Evidence {
  readonly events: readonly HistoryEvent[]
  /** Every partition of every topic that was never asked to be deleted, as each agent shows it. */
  readonly finalLogs: readonly FinalLog[]
}

export type Checker = (evidence: Evidence) => Violation[]

/** The log of each partition, as the first agent that was asked shows it. */
export function finalLogs({ finalLogs: logs }: Evidence): Map<PartitionName, FinalLog> {
  const found = new Map<PartitionName, FinalLog>()
  for (const log of logs) if (!found.has(log.partition)) found.set(log.partition, log)
  return found
}
