import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

export function compressZstd(bytes: Buffer, level: number = constants.ZSTD_CLEVEL_DEFAULT): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } })
}

export function decompressZstd(bytes: Buffer, maxOutputLength: number): Buffer {
  return zstdDecompressSync(bytes, { maxOutputLength })
}
