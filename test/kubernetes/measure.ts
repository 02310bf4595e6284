import { HttpsApi } from '@streamhouse/operator/sources/kubernetes/https-api'
import { loadClusterAccess } from '@streamhouse/operator/sources/kubernetes/kubeconfig'
import { systemClock } from '@streamhouse/platform/system/clock'
import { systemTimers } from '@streamhouse/platform/system/timers'
import { conditionOf, manifest, type Seen } from './manifests.ts'
import { eventually, findBinaries, startTestOperator, startWorld } from './world.ts'

/** Measures the operator on a real API server: `node test/kubernetes/measure.ts [topics]`. */
const count = Number(process.argv[2] ?? 500)
const edits = 50
const collection = '/apis/streamhouse.io/v1alpha1/namespaces/default'

const binaries = await findBinaries()
if (binaries === null) process.exit(0)
const world = await startWorld(binaries)
try {
  const access = loadClusterAccess(world.cluster.kubeconfigPath, systemClock)
  const api = new HttpsApi({ ...access, clock: systemClock, timers: systemTimers })
  const post = (plural: string, text: string) =>
    api.request({ method: 'POST', path: `${collection}/${plural}`, body: JSON.parse(text) })
  const list = async () =>
    ((await api.request({ method: 'GET', path: `${collection}/topics` })) as { items: Seen[] }).items
  const isReady = (topic: Seen) => conditionOf(topic, 'Ready') === 'True/Reconciled'

  await post('tenants', manifest('Tenant', 'acme', {}))
  const names = Array.from({ length: count }, (_, at) => `topic-${at}`)
  const spec = { tenantRef: { name: 'acme' }, partitions: 3, config: { 'segment.ms': '60000' } }
  let next = 0
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++])
        await post('topics', manifest('Topic', name, spec))
    }),
  )

  let startedMs = performance.now()
  const cpu = process.cpuUsage()
  const operator = startTestOperator(world, { sweepIntervalMs: 3_600_000 })
  await eventually(
    () => operator.metric('streamhouse_operator_status_writes_total'),
    (writes) => writes >= count,
    600_000,
  )
  await eventually(list, (topics) => topics.length === count && topics.every(isReady), 600_000)
  const readyMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(cpu)
  console.log(
    `${count} Topics Ready in ${(readyMs / 1_000).toFixed(1)} s, ${(count / (readyMs / 1_000)).toFixed(0)} a second`,
  )
  console.log(
    `CPU of the process ${((user + system) / 1e6).toFixed(1)} s, resident ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`,
  )

  const latencies: number[] = []
  for (let edit = 0; edit < edits; edit++) {
    const path = `${collection}/topics/topic-${edit % count}`
    const contentType = 'application/merge-patch+json'
    startedMs = performance.now()
    const body = { spec: { config: { 'segment.ms': String(70_000 + edit) } } }
    const { metadata } = (await api.request({ method: 'PATCH', path, contentType, body })) as Seen
    for (;;) {
      const seen = (await api.request({ method: 'GET', path })) as Seen
      if (seen.status.observedGeneration === metadata.generation && isReady(seen)) break
    }
    latencies.push(performance.now() - startedMs)
  }
  latencies.sort((left, right) => left - right)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(0)
  console.log(`Edit to Ready: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  await operator.stop()

  const again = startTestOperator(world, { sweepIntervalMs: 3_600_000 })
  startedMs = performance.now()
  await eventually(
    () => again.metric('controller_runtime_reconcile_total'),
    (reconciles) => reconciles > count,
    600_000,
  )
  const writes = await again.metric('streamhouse_operator_status_writes_total')
  console.log(
    `Restart: all looked at in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s with ${writes} writes of a status`,
  )
  await again.stop()
} finally {
  await world.stop()
}
