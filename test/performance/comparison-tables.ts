import type { Figures } from './measure-round.ts'
import type { MemoryWatch } from './memory-watch.ts'
import { peakResidentMib } from './process-usage.ts'
import { median } from './statistics.ts'
import type { SystemUnderTest } from './system-under-test.ts'

/** Medians over the rounds, and their ratio to those of the first system. */
export function comparisonTable(title: string, figures: ReadonlyMap<string, readonly Figures[]>): string {
  const names = [...figures.keys()]
  const [first] = names
  // The system of most parts has every figure, in the order to show them in.
  const measures = [...figures.values()]
    .map((rounds) => Object.keys(rounds[0] ?? {}))
    .reduce((most, some) => (some.length > most.length ? some : most), [])
  const value = (name: string, measure: string) =>
    median(figures.get(name)!.flatMap((round) => round[measure] ?? []))
  const rows = measures.map((measure) => [
    measure,
    ...names.map((name) => shown(value(name, measure))),
    ...names.slice(1).map((name) => shown(value(name, measure) / value(first!, measure))),
  ])
  return table([title, ...names, ...names.slice(1).map((name) => `${name} / ${first}`)], rows)
}

/** The most memory each system took, over all rounds. */
export function memoryTable(watches: ReadonlyMap<SystemUnderTest, MemoryWatch>): string {
  const rows = [...watches].map(([system, watch]) => [
    system.name,
    shown(peakResidentMib(system.parts[0]!.pid)),
    shown(watch.peakPrivateMib),
    shown(watch.peakSharedOnceMib),
  ])
  return table(
    ['peak memory, MiB', 'RSS of the broker', 'private, all processes', 'all processes, shared once'],
    rows,
  )
}

/** A table in Markdown with its columns aligned. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(header), rule, ...rows.map(line)].join('\n')
}

/** Three digits that count; a dash for what was not measured. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
