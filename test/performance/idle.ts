// What an agent takes while nobody uses it: see README.md in this folder.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { shown, table } from './comparison-tables.ts'
import { peakResidentMib, residentMib, treeCpuSeconds, treeMemory } from './process-usage.ts'
import { startStreamHouse } from './streamhouse-system.ts'

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, settle: { type: 'string', default: '10' } },
})

const system = await startStreamHouse({ name: 'StreamHouse', durability: 'sync' })
try {
  await sleep(Number(options.settle) * 1000)
  const start = performance.now()
  const before = system.parts.map((part) => treeCpuSeconds(part.pid))
  await sleep(Number(options.seconds) * 1000)
  const seconds = (performance.now() - start) / 1000
  const rows = system.parts.map((part, slot) => [
    part.name,
    shown(residentMib(part.pid)),
    shown(peakResidentMib(part.pid)),
    shown(treeMemory(part.pid).privateMib),
    shown((100 * (treeCpuSeconds(part.pid) - before[slot]!)) / seconds),
  ])
  console.log(`Idle for ${shown(seconds)} s, no client connected`)
  console.log(
    table(['', 'RSS, MiB', 'peak RSS, MiB', 'private with its processes, MiB', '% of one processor'], rows),
  )
} finally {
  await system.stop()
}
