import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isObjectKey, isObjectKeySegment } from '../object-key.ts'
import type { ObjectInfo } from '../object-store.ts'
import { errnoOf } from './files.ts'

interface Entry {
  /** A folder's ends in "/", as it does in the keys below it: so they sort alike. */
  readonly name: string
}

/**
 * Walks a folder's objects in the order of their keys. Folders that lie before `after`, or outside the prefix, are not
 * opened.
 */
export async function* walkKeys(root: string, prefix: string, after: string): AsyncGenerator<string> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  yield* walkFolder(root, folder, prefix, after)
}

async function* walkFolder(
  root: string,
  folder: string,
  prefix: string,
  after: string,
): AsyncGenerator<string> {
  for (const { name } of await entriesOf(join(root, folder), folder, prefix, after)) {
    const key = folder + name
    if (name.endsWith('/')) yield* walkFolder(root, key, prefix, after)
    else if (isObjectKey(key)) yield key
  }
}

async function entriesOf(path: string, folder: string, prefix: string, after: string): Promise<Entry[]> {
  const entries: Entry[] = []
  try {
    for await (const entry of await opendir(path, { bufferSize: 256 })) {
      // What a store keeps for itself has names outside the alphabet of keys.
      if (!isObjectKeySegment(entry.name)) continue
      const name = entry.isDirectory() ? `${entry.name}/` : entry.name
      const key = folder + name
      if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue
      if (key <= after && !(entry.isDirectory() && after.startsWith(key))) continue
      entries.push({ name })
    }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Size and age of an object's file, or null when there is none. */
export async function statObject(root: string, key: string): Promise<ObjectInfo | null> {
  try {
    const stats = await stat(join(root, key))
    return stats.isFile() ? { key, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) } : null
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null
    throw error
  }
}
