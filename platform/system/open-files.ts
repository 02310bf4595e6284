import { BoundedMap } from '../std/bounded-map.ts'
import { SingleFlight } from '../std/single-flight.ts'
import { close, fstat, open } from './files.ts'

interface OpenFile {
  readonly fd: number
  readonly sizeBytes: number
  readonly modifiedMs: number
  readers: number
  forgotten: boolean
}

/** Descriptors of immutable files, kept open between reads; the one unused for longest is closed for the next. */
export class OpenFiles {
  readonly #files: BoundedMap<string, OpenFile>
  readonly #opening = new SingleFlight<string, OpenFile>()

  constructor(maxFiles: number) {
    this.#files = new BoundedMap({ maxWeight: maxFiles, onRemove: (_path, file) => forget(file) })
  }

  /** Runs `read` with the file open. Fails like open(2), and with EISDIR when the path is not a file. */
  async use<T>(path: string, read: (file: Readonly<Omit<OpenFile, 'readers'>>) => Promise<T>): Promise<T> {
    const file = this.#files.get(path) ?? (await this.#opening.run(path, () => this.#open(path)))
    // The file may have been forgotten while it was opened; then it is closed already.
    if (file.forgotten && file.readers === 0) return this.use(path, read)
    file.readers++
    try {
      return await read(file)
    } finally {
      file.readers--
      closeIfUnused(file)
    }
  }

  forget(path: string): void {
    this.#files.delete(path)
  }

  clear(): void {
    this.#files.clear()
  }

  async #open(path: string): Promise<OpenFile> {
    const fd = await open(path, 'r')
    try {
      const stat = await fstat(fd)
      if (!stat.isFile()) throw Object.assign(new Error(`${path} is not a file`), { code: 'EISDIR' })
      const file = { fd, sizeBytes: stat.size, modifiedMs: stat.mtimeMs, readers: 0, forgotten: false }
      this.#files.set(path, file)
      return file
    } catch (error) {
      await close(fd)
      throw error
    }
  }
}

function forget(file: OpenFile): void {
  file.forgotten = true
  closeIfUnused(file)
}

function closeIfUnused(file: OpenFile): void {
  if (file.forgotten && file.readers === 0) close(file.fd).catch(() => {})
}
