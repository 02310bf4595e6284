import type { Clock } from '../clock.ts'
import type { ObjectStore } from '../object-store.ts'
import type { Random } from '../random.ts'
import { ConfigError } from '../std/config-table.ts'
import type { Timers } from '../timers.ts'
import { FolderObjectStore } from './folder-object-store.ts'

export interface StoreConfig {
  /** `file:///folder` or `s3://bucket/prefix`. */
  readonly store: string
  readonly s3Endpoint: string | null
  readonly s3Region: string
  readonly durability: 'sync' | 'os'
}

/**
 * Opens the object store that the config names. The S3 client is loaded only when it is needed.
 * @throws ConfigError when the URL names none
 */
export async function openObjectStore(
  config: StoreConfig,
  ports: { readonly clock: Clock; readonly timers: Timers; readonly random: Random },
): Promise<{ store: ObjectStore; kind: 'folder' | 's3' }> {
  const url = URL.canParse(config.store) ? new URL(config.store) : null
  if (url?.protocol === 'file:') {
    const folder = decodeURIComponent(url.pathname)
    const store = await FolderObjectStore.open({ ...ports, folder, durability: config.durability })
    return { store, kind: 'folder' }
  }
  if (url?.protocol === 's3:' && url.hostname !== '') {
    const { S3ObjectStore } = await import('./s3-object-store.ts')
    const store = new S3ObjectStore({
      ...ports,
      bucket: url.hostname,
      prefix: url.pathname.slice(1),
      region: config.s3Region,
      ...(config.s3Endpoint === null ? {} : { endpoint: config.s3Endpoint, forcePathStyle: true }),
    })
    return { store, kind: 's3' }
  }
  throw new ConfigError([`--store: '${config.store}' is neither file:///FOLDER nor s3://BUCKET/PREFIX`])
}
