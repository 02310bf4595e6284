import { describe, expect, it } from 'vitest'
import { checkAcknowledgedRecords } from './acknowledged-records.ts'
import type { Checker, Evidence } from './checker.ts'
import { checkComplaints } from './complaints.ts'
import { checkDuplicates } from './duplicates.ts'
import { checkLastingRecords } from './lasting-records.ts'
import { checkOnlySent } from './only-sent.ts'
import { acknowledged, evidence, failed, finalLog, partition, read, recordsFrom, sent } from './planted.ts'
import { checkPolls } from './polls.ts'
import { checkProducerOrder } from './producer-order.ts'
import { checkRealTimeOrder } from './real-time-order.ts'
import { checkUnseen } from './unseen.ts'

const messages = (check: Checker, planted: Evidence) => check(planted).map(({ message }) => message)

const twoBatches = [
  sent('p', 'b1', ['p.0', 'p.1']),
  sent('p', 'b2', ['p.2']),
  acknowledged('p', 'b1', 0n),
  acknowledged('p', 'b2', 2n),
]

describe('a right history', () => {
  const right = evidence(
    [...twoBatches, read('c', 0n, ['p.0', 'p.1']), read('c', 2n, ['p.2'])],
    finalLog(['p.0', 'p.1', 'p.2']),
    finalLog(['p.0', 'p.1', 'p.2'], 'agent-2'),
  )
  it.each([
    checkAcknowledgedRecords,
    checkComplaints,
    checkDuplicates,
    checkLastingRecords,
    checkOnlySent,
    checkPolls,
    checkProducerOrder,
    checkRealTimeOrder,
    checkUnseen,
  ])('%o finds nothing', (check) => {
    expect(check(right)).toEqual([])
  })
})

describe('acknowledged records', () => {
  it('a record that is missing is a lost write', () => {
    expect(messages(checkAcknowledgedRecords, evidence(twoBatches, finalLog(['p.0', 'p.1'])))).toEqual([
      'p.2 was acknowledged at offset 2 of topic/0, where nothing is',
    ])
  })

  it('a record at another offset is found', () => {
    const found = messages(checkAcknowledgedRecords, evidence(twoBatches, finalLog(['p.1', 'p.0', 'p.2'])))
    expect(found).toEqual([
      'p.0 was acknowledged at offset 0 of topic/0, where p.1 is',
      'p.1 was acknowledged at offset 1 of topic/0, where p.0 is',
    ])
  })

  it('a batch whose fate is unknown may be missing', () => {
    const events = [sent('p', 'b1', ['p.0']), failed('p', 'b1', 'unknown')]
    expect(checkAcknowledgedRecords(evidence(events, finalLog([])))).toEqual([])
  })
})

describe('lasting records', () => {
  it('two readers that see different records at one offset are found', () => {
    const events = [read('c', 0n, ['p.0']), read('d', 0n, ['p.1'])]
    expect(messages(checkLastingRecords, evidence(events))).toEqual([
      'Offset 0 of topic/0 was p.0 to c and p.1 to d',
    ])
  })

  it('a record that was read and is not in the log in the end was shown before its commit', () => {
    const planted = evidence([read('c', 0n, ['p.0', 'p.1'])], finalLog(['p.0']))
    expect(messages(checkLastingRecords, planted)).toEqual([
      'c read p.1 at offset 1 of topic/0, which ends at 1',
    ])
  })
})

describe('duplicates', () => {
  const log = finalLog(['p.0', 'p.1', 'p.0'])
  it('a record of an idempotent producer that is there twice is found', () => {
    expect(messages(checkDuplicates, evidence([sent('p', 'b1', ['p.0', 'p.1'])], log))).toEqual([
      'p.0 is in topic/0 at offset 0 and again at 2',
    ])
  })

  it('a record of another producer may be there twice', () => {
    expect(checkDuplicates(evidence([sent('p', 'b1', ['p.0', 'p.1'], false)], log))).toEqual([])
  })
})

describe('only what was sent', () => {
  it('a record that nobody sent is found', () => {
    expect(messages(checkOnlySent, evidence([], finalLog(['ghost'])))).toEqual([
      'agent-1 read ghost at offset 0 of topic/0, which nobody had sent',
    ])
  })

  it('a record that is read before it is sent is found', () => {
    const events = [read('c', 0n, ['p.0']), sent('p', 'b1', ['p.0'])]
    expect(messages(checkOnlySent, evidence(events))).toHaveLength(1)
  })

  it('a record in another partition than it was sent to is found', () => {
    const elsewhere = { ...finalLog(['p.0']), partition: 'topic/1' as const }
    expect(messages(checkOnlySent, evidence([sent('p', 'b1', ['p.0'])], elsewhere))).toEqual([
      'agent-1 read p.0 at offset 0 of topic/1, which was sent to topic/0',
    ])
  })

  it('a record whose producer was told that it is not there is found', () => {
    const events = [sent('p', 'b1', ['p.0']), failed('p', 'b1', 'refused')]
    expect(messages(checkOnlySent, evidence(events, finalLog(['p.0'])))).toEqual([
      'p.0 is at offset 0 of topic/0, and its producer was told that it was not appended',
    ])
  })
})

describe('unseen', () => {
  it('an agent that shows less than another is found', () => {
    const found = messages(checkUnseen, evidence([], finalLog(['a', 'b']), finalLog(['a'], 'agent-2')))
    expect(found).toEqual(['topic/0 ends at 1 at agent-2 and at 2 at agent-1'])
  })

  it('a gap and an end before the high watermark are found', () => {
    const gap = { ...finalLog(['a', 'b']), records: recordsFrom(1n, ['b']) }
    const short = { ...finalLog(['a', 'b']), records: recordsFrom(0n, ['a']) }
    expect(messages(checkUnseen, evidence([], gap))).toEqual([
      'agent-1 shows offset 1 of topic/0 where 0 is due',
    ])
    expect(messages(checkUnseen, evidence([], short))).toEqual([
      'agent-1 shows 1 records of topic/0, whose high watermark is 2',
    ])
  })
})

describe('polls', () => {
  const seek = (offset: bigint) => ({ type: 'seek', consumer: 'c', partition, offset }) as const

  it('an offset that is skipped within a poll is found', () => {
    const skipping = {
      ...read('c', 0n, ['a', 'b']),
      records: [...recordsFrom(0n, ['a']), ...recordsFrom(2n, ['b'])],
    }
    const found = messages(checkPolls, evidence([seek(0n), { ...skipping, highWatermark: 3n } as never]))
    expect(found).toEqual(['c got b at offset 2 of topic/0 where 1 was due'])
  })

  it('a poll that goes back is found, and a seek may', () => {
    const back = [seek(0n), read('c', 0n, ['a', 'b']), read('c', 1n, ['b'])]
    expect(messages(checkPolls, evidence(back))).toEqual(['c polled topic/0 from 1 and not from 2'])
    expect(checkPolls(evidence([back[0]!, back[1]!, seek(1n), back[2]!]))).toEqual([])
  })

  it('records beyond the high watermark are found', () => {
    const beyond = { ...read('c', 0n, ['a', 'b']), highWatermark: 1n } as never
    expect(messages(checkPolls, evidence([beyond]))).toEqual([
      'c read to 2 of topic/0 beyond the high watermark 1',
    ])
  })

  it('a position out of range is found', () => {
    const event = { type: 'outOfRange', consumer: 'c', partition, agent: 'agent-1', position: 5n } as const
    expect(messages(checkPolls, evidence([event]))).toHaveLength(1)
  })
})

describe('order', () => {
  it('records of an idempotent producer in another order than sent are found', () => {
    const events = [sent('p', 'b1', ['p.0']), sent('p', 'b2', ['p.1'])]
    expect(messages(checkProducerOrder, evidence(events, finalLog(['p.1', 'q.0', 'p.0'])))).toEqual([
      'p sent p.0 before p.1, and in topic/0 it comes after it, at offset 2',
    ])
  })

  it('a lower offset for what was sent after an acknowledgement is found', () => {
    const events = [
      sent('p', 'b1', ['p.0']),
      acknowledged('p', 'b1', 5n),
      sent('q', 'b2', ['q.0']),
      acknowledged('q', 'b2', 4n),
    ]
    expect(messages(checkRealTimeOrder, evidence(events))).toHaveLength(1)
  })

  it('any order is right for what was under way at once', () => {
    const events = [
      sent('p', 'b1', ['p.0']),
      sent('q', 'b2', ['q.0']),
      acknowledged('p', 'b1', 5n),
      acknowledged('q', 'b2', 4n),
    ]
    expect(checkRealTimeOrder(evidence(events))).toEqual([])
  })

  it('a complaint of a producer is passed on', () => {
    const complaint = { type: 'complaint', producer: 'p', partition, message: 'it hurts' } as const
    expect(messages(checkComplaints, evidence([complaint]))).toEqual(['p in topic/0: it hurts'])
  })
})
