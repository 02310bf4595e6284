import type { TestProject } from 'vitest/node'
import { startTarget } from './target.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the server that all suites share; empty when there is none. */
    bootstrap: string
    targetKind: 'streamhouse' | 'kafka'
    /** Process of the server; 0 when it was running before us. */
    targetPid: number
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const target = await startTarget(process.env.STREAMHOUSE_CONFORMANCE_TARGET ?? 'streamhouse')
  project.provide('bootstrap', target?.bootstrap ?? '')
  project.provide('targetKind', target?.kind ?? 'streamhouse')
  project.provide('targetPid', target?.pid ?? 0)
  return async () => target?.stop()
}
