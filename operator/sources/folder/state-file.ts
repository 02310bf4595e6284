import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeError, OperatorError } from '../../errors.ts'
import type { Resource } from '../../resources/resource.ts'

/** What the folder source has to know after a restart: which resources there were, and what was said about them. */
export interface FolderState {
  /** Identifies the source in the metadata store. */
  readonly id: string
  readonly revision: number
  readonly resources: readonly StoredResource[]
}

export interface StoredResource {
  readonly resource: Resource
  /** File whose disappearance, or silence about the resource, deletes it. */
  readonly file: string
}

/** Reads the state; null when there is none yet. */
export async function readState(path: string): Promise<FolderState | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new OperatorError('Unavailable', `Cannot read ${path}: ${describeError(error)}`, { cause: error })
  }
  try {
    const state = JSON.parse(text) as FolderState
    if (typeof state.id !== 'string' || !Array.isArray(state.resources)) throw new Error('fields are missing')
    return state
  } catch (error) {
    // Starting empty would give every resource a new identity, so this is for a person to decide.
    throw new OperatorError(
      'Unavailable',
      `${path} is damaged: ${describeError(error)}; restore it or delete it`,
      { cause: error },
    )
  }
}

/** Replaces the state: after a crash the file is the old or the new one, never half of it. */
export async function writeState(path: string, state: FolderState): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(state))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}
