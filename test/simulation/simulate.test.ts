import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { MetadataServer } from './world/metadata-server.ts'

let server: MetadataServer
beforeAll(async () => {
  server = await MetadataServer.start()
})
afterAll(() => server.stop())

describe('simulate', () => {
  it('the same seed gives the same history, whatever ran before', { timeout: 120_000 }, async () => {
    const options = { seed: 7, operations: 150, faults: 'heavy' } as const
    const first = await simulate(options, server)
    const other = await simulate({ ...options, seed: 8 }, server)
    const again = await simulate(options, server)
    expect(again.hash).toBe(first.hash)
    expect(other.hash).not.toBe(first.hash)
  })

  it('without faults everything that is sent is acknowledged', { timeout: 120_000 }, async () => {
    const result = await simulate({ seed: 1, operations: 200, faults: 'none' }, server)
    expect(result.violations).toEqual([])
    expect([...result.faultCounts.keys()]).toEqual([])
    expect(result.batchesSent).toBeGreaterThan(100)
    expect(result.commitsAcknowledged).toBeGreaterThan(0)
    expect(result.recordsRead).toBeGreaterThan(100)
  })

  it.each([101, 102, 103])('seed %i with faults has no violation', { timeout: 120_000 }, async (seed) => {
    const result = await simulate({ seed, operations: 300, faults: 'heavy' }, server)
    expect(result.violations).toEqual([])
    expect(result.batchesAcknowledged).toBeGreaterThan(0)
  })
})
