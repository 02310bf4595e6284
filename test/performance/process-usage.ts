import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Linux reports processor time in ticks of USER_HZ, which is 100 on every architecture Node runs on. */
const ticksPerSecond = 100

interface Stat {
  readonly pid: number
  readonly parent: number
  /** Of the process and its threads. */
  readonly ownSeconds: number
  /** Of its children that ended and were waited for, and theirs. */
  readonly reapedSeconds: number
}

/** A process and all its descendants; empty when it ended. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(name) : undefined
    if (stat !== undefined) parents.set(stat.pid, stat.parent)
  }
  const tree = parents.has(root) ? [root] : []
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

/** Processor seconds of a process tree since it started, ended descendants included. */
export function treeCpuSeconds(root: number): number {
  const stats = processTree(root).map((pid) => readStat(String(pid)))
  return stats.reduce((sum, stat) => sum + (stat ? stat.ownSeconds + stat.reapedSeconds : 0), 0)
}

/** Processor seconds of those children of this process that ended. */
export function endedChildrenCpuSeconds(): number {
  return readStat('self')?.reapedSeconds ?? 0
}

/** Makes the peak of `peakResidentMib` start anew, where the kernel lets us. */
export function resetPeakResident(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Without the right to it the peak is the one since the process started.
  }
}

/** The most memory the process had in RAM at once, in MiB. */
export function peakResidentMib(pid: number): number {
  return field(`/proc/${pid}/status`, 'VmHWM') / 1024
}

/** What the process has in RAM now, in MiB. */
export function residentMib(pid: number): number {
  return field(`/proc/${pid}/status`, 'VmRSS') / 1024
}

/** What a process tree has in RAM now, in MiB: `privateMib` leaves shared pages out, `sharedOnceMib` counts each once. */
export function treeMemory(root: number): { privateMib: number; sharedOnceMib: number } {
  let [privateKib, sharedOnceKib] = [0, 0]
  for (const pid of processTree(root)) {
    const file = `/proc/${pid}/smaps_rollup`
    privateKib += field(file, 'Private_Clean') + field(file, 'Private_Dirty')
    sharedOnceKib += field(file, 'Pss')
  }
  return { privateMib: privateKib / 1024, sharedOnceMib: sharedOnceKib / 1024 }
}

function readStat(name: string): Stat | undefined {
  const text = readIfThere(`/proc/${name}/stat`)
  if (text === undefined) return undefined
  // The second field is the command in parentheses and may itself hold anything; the numbers follow its last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const number = (position: number) => Number(fields[position])
  return {
    pid: Number.parseInt(text, 10),
    parent: number(1),
    ownSeconds: (number(11) + number(12)) / ticksPerSecond,
    reapedSeconds: (number(13) + number(14)) / ticksPerSecond,
  }
}

/** A number of kibibytes; 0 when the process ended. */
function field(file: string, name: string): number {
  const line = readIfThere(file)
    ?.split('\n')
    .find((candidate) => candidate.startsWith(`${name}:`))
  return line === undefined ? 0 : Number.parseInt(line.slice(name.length + 1), 10)
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
