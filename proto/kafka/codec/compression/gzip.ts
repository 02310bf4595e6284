import { constants, gunzipSync, gzipSync } from 'node:zlib'

export function compressGzip(bytes: Buffer, level: number = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(bytes, { level })
}

export function decompressGzip(bytes: Buffer, maxOutputLength: number): Buffer {
  return gunzipSync(bytes, { maxOutputLength })
}
