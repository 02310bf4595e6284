import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { describeError } from '../../errors.ts'

/** A document of a manifest file, parsed but not checked. */
export interface ManifestDocument {
  /** Path below the folder. */
  readonly file: string
  /** 1 for the first document of the file. */
  readonly position: number
  readonly value: unknown
}

export interface Manifests {
  readonly documents: readonly ManifestDocument[]
  /** Files that could not be read as YAML: what came from them before has not gone. */
  readonly broken: ReadonlySet<string>
  /** What was wrong, naming file and document. */
  readonly problems: readonly string[]
}

/** A file and what changes when its content does. */
interface FileState {
  readonly file: string
  readonly version: string
  readonly size: number
}

const maxDepth = 8
const maxFiles = 5_000
const maxFileBytes = 1 << 20
const maxAliases = 100

/** Lists the manifest files of a folder. Rejects when the folder itself cannot be read, which is not the same as empty. */
export async function listManifests(folder: string): Promise<FileState[]> {
  const files: FileState[] = []
  await collect(folder, '', 0, files)
  return files.sort((left, right) => (left.file < right.file ? -1 : 1))
}

async function collect(folder: string, below: string, depth: number, files: FileState[]): Promise<void> {
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    // Kubernetes mounts ConfigMaps through folders whose names begin with two dots.
    if (entry.name.startsWith('.')) continue
    const file = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) {
      if (depth < maxDepth) await collect(folder, file, depth + 1, files)
      continue
    }
    if (
      !/\.(ya?ml|json)$/.test(entry.name) ||
      entry.name.startsWith('kustomization.') ||
      files.length >= maxFiles
    )
      continue
    try {
      const { mtimeMs, size, ino } = await stat(join(folder, file))
      files.push({ file, version: `${ino} ${mtimeMs} ${size}`, size })
    } catch {
      // Gone since it was listed, or a link that leads nowhere.
    }
  }
}

/** Reads the files, whose documents may be several each. */
export async function readManifests(folder: string, files: readonly FileState[]): Promise<Manifests> {
  const documents: ManifestDocument[] = []
  const broken = new Set<string>()
  const problems: string[] = []
  if (files.length >= maxFiles)
    problems.push(`There are more than ${maxFiles} files; the others are not read`)
  for (const { file, size } of files) {
    try {
      if (size > maxFileBytes) throw new Error(`it has ${size} bytes, more than ${maxFileBytes}`)
      documents.push(...parse(file, await readFile(join(folder, file), 'utf8')))
    } catch (error) {
      broken.add(file)
      problems.push(`${file}: cannot be read: ${describeError(error)}`)
    }
  }
  return { documents, broken, problems }
}

function parse(file: string, text: string): ManifestDocument[] {
  const documents: ManifestDocument[] = []
  for (const [at, document] of [...parseAllDocuments(text)].entries()) {
    const [error] = document.errors
    if (error !== undefined) throw new Error(`document ${at + 1}: ${error.message.split('\n')[0]}`)
    const value: unknown = document.toJS({ maxAliasCount: maxAliases })
    if (value !== null && value !== undefined) documents.push({ file, position: at + 1, value })
  }
  return documents
}
