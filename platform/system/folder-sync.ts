import { close, fsync, open } from './files.ts'

interface Syncs {
  running: Promise<void>
  next: Promise<void> | undefined
}

/** Makes the entries of folders durable; those who ask while a sync runs share the one that starts after it. */
export class FolderSync {
  readonly #folders = new Map<string, Syncs>()

  /** Resolves when every entry that the folder has now is on disk. */
  sync(folder: string): Promise<void> {
    const syncs = this.#folders.get(folder)
    if (syncs === undefined) return this.#start(folder)
    // The one that runs may have begun before the caller's entry was made.
    syncs.next ??= syncs.running.then(
      () => this.#start(folder),
      () => this.#start(folder),
    )
    return syncs.next
  }

  #start(folder: string): Promise<void> {
    const running = syncFolder(folder).finally(() => {
      if (this.#folders.get(folder) === syncs && syncs.next === undefined) this.#folders.delete(folder)
    })
    const syncs: Syncs = { running, next: undefined }
    this.#folders.set(folder, syncs)
    return running
  }
}

async function syncFolder(folder: string): Promise<void> {
  const fd = await open(folder, 'r')
  try {
    await fsync(fd)
  } finally {
    await close(fd)
  }
}
