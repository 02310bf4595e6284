import { checkAcknowledgedRecords } from './acknowledged-records.ts'
import { checkAssignments } from './assignments.ts'
import type { Checker } from './checker.ts'
import { checkComplaints } from './complaints.ts'
import { checkDuplicates } from './duplicates.ts'
import { checkFencedCommits } from './fenced-commits.ts'
import { checkGroupOffsets } from './group-offsets.ts'
import { checkLastingRecords } from './lasting-records.ts'
import { checkOnlySent } from './only-sent.ts'
import { checkPolls } from './polls.ts'
import { checkProducerOrder } from './producer-order.ts'
import { checkRealTimeOrder } from './real-time-order.ts'
import { checkUnseen } from './unseen.ts'

/** The checkers of what clients did and saw; `metadata.ts` checks the database and the bucket. */
export const checkers: readonly Checker[] = [
  checkComplaints,
  checkAcknowledgedRecords,
  checkLastingRecords,
  checkDuplicates,
  checkOnlySent,
  checkUnseen,
  checkPolls,
  checkProducerOrder,
  checkRealTimeOrder,
  checkGroupOffsets,
  checkFencedCommits,
  checkAssignments,
]
