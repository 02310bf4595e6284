import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/** A server process that this process started and that ends with it. */
export interface Child {
  readonly pid: number
  /** Null while it runs, and when a signal ended it. */
  exitCode(): number | null
  /** What it printed last. */
  output(): string
  /** Resolves when the output contains the text; rejects when the process ends or the time is up before. */
  printed(text: string, timeoutMs: number): Promise<void>
  /** Signals it and waits for its end; a child that does not end within 10 s is killed. */
  stop(signal: NodeJS.Signals): Promise<void>
}

const outputMaxChars = 64_000
const stopTimeoutMs = 10_000

/** Starts a server; its output is kept for messages and not shown. */
export async function startChild(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<Child> {
  const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const watchers = new Set<() => void>()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-outputMaxChars)
      for (const watch of watchers) watch()
    })
  }
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new Error(`Cannot start ${command}: ${cause.message}`, { cause })))
  })
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  void ended.then(() => process.removeListener('exit', killAtExit))
  return {
    pid: child.pid!,
    exitCode: () => child.exitCode,
    output: () => output,
    printed: (text, timeoutMs) => awaitOutput(child, () => output, watchers, text, timeoutMs),
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(timer)
    },
  }
}

function awaitOutput(
  child: ChildProcess,
  output: () => string,
  watchers: Set<() => void>,
  text: string,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error) => {
      clearTimeout(timer)
      watchers.delete(watch)
      child.removeListener('exit', onExit)
      if (error === undefined) resolve()
      else reject(error)
    }
    const fail = (what: string) => finish(new Error(`${child.spawnfile} ${what}; it printed:\n${output()}`))
    const onExit = () => fail(`ended before it printed "${text}"`)
    const watch = () => {
      if (output().includes(text)) finish()
    }
    const timer = setTimeout(() => fail(`did not print "${text}" within ${timeoutMs} ms`), timeoutMs)
    watchers.add(watch)
    child.once('exit', onExit)
    watch()
  })
}
