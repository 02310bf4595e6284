import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** An event of a public data set, as it is produced. */
export interface DemoEvent {
  readonly key: string
  readonly value: string
  /** Milliseconds since the epoch, when the event says when it happened. */
  readonly timestampMs: number
}

interface Flight {
  readonly date: string
  readonly origin: string
}

interface Earthquakes {
  readonly features: readonly { readonly id: string; readonly properties: { readonly time: number } }[]
}

/**
 * 5,000 flights within the United States in early 2001, by airport of origin: delay statistics of the U.S. Bureau of
 * Transportation Statistics, which are in the public domain, as the vega-datasets package carries them.
 */
export async function loadFlights(): Promise<DemoEvent[]> {
  const flights = (await loadJson('flights-5k.json')) as readonly Flight[]
  return flights.map((flight) => ({
    key: flight.origin,
    value: JSON.stringify(flight),
    timestampMs: Date.parse(`${flight.date.replaceAll('/', '-').replace(' ', 'T')}:00Z`),
  }))
}

/** 1,707 earthquakes of one week of 2018: the U.S. Geological Survey's feed, in the public domain. */
export async function loadEarthquakes(): Promise<DemoEvent[]> {
  const { features } = (await loadJson('earthquakes.json')) as Earthquakes
  return features.map((feature) => ({
    key: feature.id,
    value: JSON.stringify(feature),
    timestampMs: feature.properties.time,
  }))
}

/** The package exports its program only; the data lies beside it. */
async function loadJson(name: string): Promise<unknown> {
  const program = createRequire(import.meta.url).resolve('vega-datasets')
  return JSON.parse(await readFile(join(dirname(program), '..', 'data', name), 'utf8'))
}
