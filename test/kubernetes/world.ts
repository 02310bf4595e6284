import { setTimeout as sleep } from 'node:timers/promises'
import { OperatorMetrics } from '@streamhouse/operator/metrics'
import { Leadership } from '@streamhouse/operator/queue/leadership'
import { definitions, type Operator, type OperatorOptions, startOperator } from '@streamhouse/operator/run'
import { HttpsApi } from '@streamhouse/operator/sources/kubernetes/https-api'
import { loadClusterAccess } from '@streamhouse/operator/sources/kubernetes/kubeconfig'
import { KubernetesSource } from '@streamhouse/operator/sources/kubernetes/source'
import type { Log } from '@streamhouse/platform/log'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemRandom } from '@streamhouse/platform/system/random'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { startMetadata, type TestMetadata } from '../servers/metadata.ts'
import { skip } from '../servers/skips.ts'
import { controlPlaneBinaries } from './control-plane/build.ts'
import { type ControlPlane, startControlPlane } from './control-plane/control-plane.ts'

export const crds = new URL('../../crds/', import.meta.url).pathname

/** The folder of the control plane's programs, or null after saying why there is none. */
export async function findBinaries(): Promise<string | null> {
  const binaries = await controlPlaneBinaries()
  if ('folder' in binaries) return binaries.folder
  skip(`tests on a real Kubernetes API server: ${binaries.missing}`)
  return null
}

/** A control plane with our kinds, and a metadata database. */
export interface World {
  readonly cluster: ControlPlane
  readonly metadata: TestMetadata
  stop(): Promise<void>
}

export async function startWorld(binaries: string): Promise<World> {
  const [cluster, metadata] = await Promise.all([startControlPlane(binaries), startMetadata()])
  try {
    await cluster.kubectl(['apply', '-f', crds])
    const names = definitions.map(({ plural, group }) => `crd/${plural}.${group}`)
    await cluster.kubectl(['wait', '--for=condition=Established', ...names])
    await eventually(
      () => cluster.kubectl(['get', 'streamhouse', '-A']),
      () => true,
    )
  } catch (error) {
    await Promise.all([cluster.stop(), metadata.stop()])
    throw error
  }
  return {
    cluster,
    metadata,
    stop: async () => {
      await Promise.all([cluster.stop(), metadata.stop()])
    },
  }
}

export interface TestOperator extends Operator {
  readonly metrics: OperatorMetrics
  /** The value of a metric, all labels together, or those of one kind. */
  metric(name: string, kind?: string): Promise<number>
}

/** Starts an operator in this process; with an identity it takes part in the election of a leader. */
export function startTestOperator(
  world: World,
  overrides: Partial<OperatorOptions> & {
    readonly identity?: string
    readonly namespaces?: readonly string[]
  } = {},
): TestOperator {
  const { identity, namespaces = [], ...rest } = overrides
  const system = { clock: systemClock, timers: systemTimers, random: systemRandom }
  const metrics = new OperatorMetrics(systemClock)
  const api = new HttpsApi({ ...loadClusterAccess(world.cluster.kubeconfigPath, systemClock), ...system })
  const source = new KubernetesSource({ api, definitions, namespaces, metrics, ...system })
  const election =
    identity === undefined
      ? {}
      : {
          elect: leadershipOf(
            new Leadership({ api, namespace: 'default', name: 'streamhouse-operator', identity, ...system }),
          ),
        }
  const operator = startOperator({
    source,
    database: world.metadata.database,
    log: quiet,
    metrics,
    ...system,
    ...election,
    ...rest,
  })
  return {
    get ready() {
      return operator.ready
    },
    ended: operator.ended,
    stop: () => operator.stop(),
    metrics,
    metric: async (name, kind) => {
      const found = (await metrics.registry.getMetricsAsJSON()).find((metric) => metric.name === name)
      const values = (found?.values ?? []).filter(({ labels }) => kind === undefined || labels.kind === kind)
      return values.reduce((sum, { value }) => sum + Number(value), 0)
    },
  }
}

function leadershipOf(leadership: Leadership): NonNullable<OperatorOptions['elect']> {
  return (signal, lead) => leadership.run(signal, lead)
}

const verbose = process.env.STREAMHOUSE_TEST_LOG === '1'
const print = (message: string, fields: unknown): void => {
  if (verbose) console.log(message, fields)
}

/** Prints when STREAMHOUSE_TEST_LOG is 1. */
export const quiet: Log = { debug: print, info: print, warn: print, error: print, child: () => quiet }

/** Asks again and again until the answer is right; the last answer or error is in the message when time runs out. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
  withinMs = 30_000,
): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    let last: unknown
    try {
      const answer = await ask()
      if (isRight(answer)) return answer
      last = answer
    } catch (error) {
      last = error
    }
    if (Date.now() >= until) {
      const text =
        last instanceof Error
          ? last.message
          : JSON.stringify(last, (_, value) => (typeof value === 'bigint' ? String(value) : value))
      throw new Error(`Still not right after ${withinMs} ms: ${text}`)
    }
    await sleep(50)
  }
}
