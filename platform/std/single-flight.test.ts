import { expect, it } from 'vitest'
import { deferred } from './deferred.ts'
import { SingleFlight } from './single-flight.ts'

it('those who ask while a load runs share it, and the next one loads again', async () => {
  const flights = new SingleFlight<string, number>()
  const gate = deferred<number>()
  let loads = 0
  const load = () => {
    loads++
    return gate.promise
  }
  const both = [flights.run('k', load), flights.run('k', load)]
  const other = flights.run('other', async () => 9)
  gate.resolve(5)
  expect(await Promise.all(both)).toEqual([5, 5])
  expect(await other).toBe(9)
  expect(loads).toBe(1)
  expect(flights.size).toBe(0)
  await flights.run('k', load)
  expect(loads).toBe(2)
})

it('a failed load fails for all who shared it and is not remembered', async () => {
  const flights = new SingleFlight<string, number>()
  const fail = () => {
    throw new Error('no')
  }
  const outcomes = await Promise.allSettled([flights.run('k', fail), flights.run('k', fail)])
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
  expect(await flights.run('k', async () => 1)).toBe(1)
})
