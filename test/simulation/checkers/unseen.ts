import { type Checker, finalLogs, type Violation } from './checker.ts'

const checker = 'unseen'

/** In the end every agent shows every partition, without gaps, from 0 to one and the same high watermark. */
export const checkUnseen: Checker = (evidence) => {
  const violations: Violation[] = []
  const first = finalLogs(evidence)
  for (const { agent, partition, highWatermark, records } of evidence.finalLogs) {
    const about = [partition]
    const expected = first.get(partition)!
    if (highWatermark !== expected.highWatermark) {
      const message = `${partition} ends at ${highWatermark} at ${agent} and at ${expected.highWatermark} at ${expected.agent}`
      violations.push({ checker, message, about })
    }
    const gap = records.findIndex(({ offset }, index) => offset !== BigInt(index))
    if (gap >= 0) {
      const message = `${agent} shows offset ${records[gap]!.offset} of ${partition} where ${gap} is due`
      violations.push({ checker, message, about })
    } else if (BigInt(records.length) !== highWatermark) {
      const message = `${agent} shows ${records.length} records of ${partition}, whose high watermark is ${highWatermark}`
      violations.push({ checker, message, about })
    }
  }
  return violations
}
