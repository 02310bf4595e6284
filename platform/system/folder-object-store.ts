import { closeSync, linkSync, openSync, rmSync } from 'node:fs'
import { mkdir, opendir, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import {
  checkByteRange,
  checkDeleteCount,
  checkListLimit,
  checkObjectKey,
  checkObjectPrefix,
  tooShort,
} from '../object-key.ts'
import {
  type ByteRange,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  ObjectStoreError,
  type ObjectStoreErrorCode,
} from '../object-store.ts'
import type { Random } from '../random.ts'
import { BoundedMap } from '../std/bounded-map.ts'
import { Semaphore } from '../std/semaphore.ts'
import { close, errnoOf, fdatasync, link, open, readAt, unlink, writeAll, writeAllSync } from './files.ts'
import { statObject, walkKeys } from './folder-listing.ts'
import { FolderSync } from './folder-sync.ts'
import { OpenFiles } from './open-files.ts'

export interface FolderObjectStoreOptions {
  readonly folder: string
  /** `sync` survives a power cut; `os` leaves the writing to the operating system, as Kafka does by default. */
  readonly durability: 'sync' | 'os'
  readonly clock: Clock
  readonly random: Random
  /** Descriptors kept open for reading; 256 when absent. */
  readonly openFilesMax?: number
}

/** Where objects are written before they get their name; "~" cannot stand in a key. */
const uploadFolder = '~uploads'
/** An upload this old belongs to a process that is gone. */
const strayAgeMs = 10 * 60_000
const knownFoldersMax = 20_000
const parallelCalls = 16
/** A folder may be removed, as empty, between its creation and the naming of an object in it. */
const namingAttempts = 10
const compareChunkBytes = 1 << 20
/** Objects up to this size are written without another thread where nothing waits for the disk: a full write-ahead object is. */
const inlineMaxBytes = 16 * 1024 * 1024

/**
 * Objects as files of a local folder. An object is written under a temporary name and gets its own by link(2), which,
 * unlike rename(2), fails when the name is taken. A key cannot continue another one (`a` and `a/b`) as on S3.
 */
export class FolderObjectStore implements ObjectStore {
  readonly #root: string
  readonly #sync: boolean
  readonly #uploadPrefix: string
  readonly #openFiles: OpenFiles
  readonly #knownFolders = new BoundedMap<string, true>({ maxWeight: knownFoldersMax })
  readonly #folderSync = new FolderSync()
  #uploads = 0

  private constructor(root: string, options: FolderObjectStoreOptions) {
    this.#root = root
    this.#sync = options.durability === 'sync'
    this.#uploadPrefix = join(root, uploadFolder, `${options.random.uuid()}-`)
    this.#openFiles = new OpenFiles(options.openFilesMax ?? 256)
  }

  /** Opens the folder, made when it is missing, and removes what earlier processes left half-written. */
  static async open(options: FolderObjectStoreOptions): Promise<FolderObjectStore> {
    const root = resolve(options.folder)
    try {
      await mkdir(join(root, uploadFolder), { recursive: true })
      await removeStrays(join(root, uploadFolder), options.clock.nowMs() - strayAgeMs)
    } catch (error) {
      throw toStoreError(error, '', `Cannot use the folder ${root} as an object store`)
    }
    return new FolderObjectStore(root, options)
  }

  async put(key: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    checkObjectKey(key)
    signal?.throwIfAborted()
    const upload = `${this.#uploadPrefix}${this.#uploads++}`
    const inline = !this.#sync && sizeOf(parts) <= inlineMaxBytes
    try {
      if (inline && this.#putInline(upload, key, parts)) return
      if (!inline) await this.#write(upload, parts)
      signal?.throwIfAborted()
      await this.#giveName(upload, key, parts)
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error
      throw toStoreError(error, key, `Cannot store object ${key}`, putCodes)
    } finally {
      if (inline) rmSync(upload, { force: true })
      else unlink(upload).catch(() => {})
    }
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    checkObjectKey(key)
    checkByteRange(key, range)
    signal?.throwIfAborted()
    try {
      return await this.#openFiles.use(join(this.#root, key), async ({ fd, sizeBytes }) => {
        const wanted = range ?? { start: 0, end: sizeBytes }
        if (wanted.end > sizeBytes) throw tooShort(key, wanted, sizeBytes)
        const bytes = Buffer.allocUnsafeSlow(wanted.end - wanted.start)
        const count = await readAt(fd, bytes, wanted.start)
        if (count < bytes.byteLength) throw tooShort(key, wanted, wanted.start + count)
        return bytes
      })
    } catch (error) {
      throw toStoreError(error, key, `Cannot read object ${key}`)
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | null> {
    checkObjectKey(key)
    signal?.throwIfAborted()
    try {
      return await statObject(this.#root, key)
    } catch (error) {
      throw toStoreError(error, key, `Cannot look up object ${key}`)
    }
  }

  async list(
    prefix: string,
    options: { after?: string; limit: number; signal?: AbortSignal },
  ): Promise<ObjectPage> {
    checkObjectPrefix(prefix)
    checkListLimit(options.limit)
    try {
      const keys: string[] = []
      let more = false
      for await (const key of walkKeys(this.#root, prefix, options.after ?? '')) {
        options.signal?.throwIfAborted()
        more = keys.length === options.limit
        if (more) break
        keys.push(key)
      }
      const found = await this.#inParallel(keys, (key) => statObject(this.#root, key))
      const objects = found.filter((info) => info !== null)
      return more ? { objects, next: keys.at(-1)! } : { objects }
    } catch (error) {
      if (options.signal?.aborted) throw error
      throw toStoreError(error, prefix, `Cannot list the objects of ${prefix}`)
    }
  }

  async delete(
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly { key: string; error: ObjectStoreError }[]> {
    checkDeleteCount(keys)
    signal?.throwIfAborted()
    const outcomes = await this.#inParallel(keys, (key) => this.#deleteOne(key))
    await this.#removeEmptyFolders(keys)
    return outcomes.filter((outcome) => outcome !== null)
  }

  /** Closes the files kept open for reading; the store stays usable. */
  close(): void {
    this.#openFiles.clear()
  }

  async #write(upload: string, parts: readonly Uint8Array[]): Promise<void> {
    const fd = await open(upload, 'wx', 0o644)
    try {
      await writeAll(fd, parts)
      if (this.#sync) await fdatasync(fd)
    } finally {
      close(fd).catch(() => {})
    }
  }

  /**
   * Writes a small object into the operating system's memory on the spot: handing five calls to other threads takes longer
   * than doing them. False when it is written but has no name yet, for a reason that `#giveName` deals with.
   */
  #putInline(upload: string, key: string, parts: readonly Uint8Array[]): boolean {
    const fd = openSync(upload, 'wx', 0o644)
    try {
      writeAllSync(fd, parts)
    } finally {
      closeSync(fd)
    }
    const path = join(this.#root, key)
    if (this.#knownFolders.get(dirname(path)) !== true) return false
    try {
      linkSync(upload, path)
      return true
    } catch {
      return false
    }
  }

  async #giveName(upload: string, key: string, parts: readonly Uint8Array[]): Promise<void> {
    const path = join(this.#root, key)
    const folder = dirname(path)
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#makeFolder(folder)
        await link(upload, path)
        break
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'EEXIST') {
          await this.#confirmSame(key, path, parts)
          break
        }
        if (errno !== 'ENOENT' || attempt === namingAttempts) throw error
        this.#knownFolders.delete(folder)
      }
    }
    if (this.#sync) await this.#folderSync.sync(folder)
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#knownFolders.get(folder) === true) return
    const firstMade = await mkdir(folder, { recursive: true })
    if (this.#sync) {
      // Another put may have made them and not have synced them yet, so all of them are synced once.
      for (let above = folder; above !== this.#root; above = dirname(above)) {
        if (firstMade !== undefined || this.#knownFolders.get(above) !== true) {
          await this.#folderSync.sync(dirname(above))
        }
      }
    }
    this.#knownFolders.set(folder, true)
  }

  /** A put that is repeated because its reply was lost finds its own bytes. */
  async #confirmSame(key: string, path: string, parts: readonly Uint8Array[]): Promise<void> {
    const same = await this.#openFiles.use(path, async ({ fd, sizeBytes }) => {
      if (sizeOf(parts) !== sizeBytes) return false
      if (!(await holdsParts(fd, parts))) return false
      if (this.#sync) await fdatasync(fd)
      return true
    })
    if (!same)
      throw new ObjectStoreError('AlreadyExists', key, `Object ${key} already exists with other bytes`)
  }

  async #deleteOne(key: string): Promise<{ key: string; error: ObjectStoreError } | null> {
    try {
      checkObjectKey(key)
      const path = join(this.#root, key)
      await unlink(path)
      this.#openFiles.forget(path)
      return null
    } catch (error) {
      const errno = errnoOf(error)
      // A folder in the object's place means that there is no such object.
      const missing = errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EISDIR'
      return missing ? null : { key, error: toStoreError(error, key, `Cannot delete object ${key}`) }
    }
  }

  async #removeEmptyFolders(keys: readonly string[]): Promise<void> {
    const folders = new Set(
      keys.filter((key) => key.includes('/')).map((key) => dirname(join(this.#root, key))),
    )
    for (const start of folders) {
      for (let folder = start; folder.startsWith(`${this.#root}/`); folder = dirname(folder)) {
        try {
          await rmdir(folder)
        } catch {
          break
        }
        this.#knownFolders.delete(folder)
      }
    }
  }

  #inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
    const slots = new Semaphore(parallelCalls)
    return Promise.all(items.map((item) => slots.run(() => work(item))))
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  let bytes = 0
  for (const part of parts) bytes += part.byteLength
  return bytes
}

async function holdsParts(fd: number, parts: readonly Uint8Array[]): Promise<boolean> {
  let position = 0
  const chunk = Buffer.allocUnsafe(compareChunkBytes)
  for (const part of parts) {
    for (let offset = 0; offset < part.byteLength; offset += compareChunkBytes) {
      const piece = part.subarray(offset, offset + compareChunkBytes)
      const stored = chunk.subarray(0, piece.byteLength)
      if ((await readAt(fd, stored, position)) < piece.byteLength || !stored.equals(piece)) return false
      position += piece.byteLength
    }
  }
  return true
}

async function removeStrays(folder: string, beforeMs: number): Promise<void> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    try {
      if ((await stat(path)).mtimeMs < beforeMs) await unlink(path)
    } catch (error) {
      // Its own process, or another one that starts, was faster.
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
}

const codes: Record<string, ObjectStoreErrorCode> = {
  ENOENT: 'NotFound',
  ENOTDIR: 'NotFound',
  EISDIR: 'NotFound',
  EACCES: 'Denied',
  EPERM: 'Denied',
  EROFS: 'Denied',
  EIO: 'Corrupt',
}

/** To a put, a folder or an object in the way of its path is a matter of its key, and anything missing may come back. */
const putCodes: Record<string, ObjectStoreErrorCode> = {
  ...codes,
  ENOENT: 'Unavailable',
  ENOTDIR: 'InvalidKey',
  EISDIR: 'InvalidKey',
  EEXIST: 'InvalidKey',
  EIO: 'Unavailable',
}

function toStoreError(error: unknown, key: string, doing: string, meanings = codes): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error
  const code = meanings[errnoOf(error) ?? ''] ?? 'Unavailable'
  const text =
    code === 'InvalidKey'
      ? 'an object and a folder of objects cannot have the same name in a folder store'
      : error instanceof Error
        ? error.message
        : String(error)
  return new ObjectStoreError(code, key, `${doing}: ${text}`, error)
}
