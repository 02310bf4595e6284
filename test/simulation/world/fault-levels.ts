import type { FaultRates } from '@streamhouse/platform/simulated/faults'

export const faultLevels = ['none', 'light', 'heavy'] as const
export type FaultLevel = (typeof faultLevels)[number]

const light = {
  store: {
    storeUnavailable: 0.01,
    storeThrottled: 0.01,
    storeLostReply: 0.02,
    storeTruncatedBody: 0.02,
    storeSlow: 0.02,
  },
  database: {
    databaseUnavailable: 0.01,
    databaseLostReply: 0.01,
    databaseLostRequest: 0.01,
    databaseConflict: 0.01,
    databaseSlow: 0.003,
  },
  network: { networkRefused: 0.02, networkReset: 0.003, networkSlow: 0.02, networkFragmented: 0.05 },
} as const satisfies Record<string, FaultRates>

export interface LevelOfFaults {
  readonly store: FaultRates
  readonly database: FaultRates
  readonly network: FaultRates
  /** Mean time between two acts of the nemesis; null when it does not act. */
  readonly actEveryMs: number | null
}

export const levels: Readonly<Record<FaultLevel, LevelOfFaults>> = {
  none: { store: {}, database: {}, network: {}, actEveryMs: null },
  light: { ...light, actEveryMs: 4_000 },
  heavy: {
    store: times(light.store, 4),
    database: times(light.database, 4),
    network: times(light.network, 4),
    actEveryMs: 1_200,
  },
}

function times(rates: FaultRates, factor: number): FaultRates {
  return Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, rate * factor]))
}
