import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CodecError } from '../errors.ts'

export function compressZstd(bytes: Buffer, level: number = constants.ZSTD_CLEVEL_DEFAULT): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } })
}

interface Unpacked {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** Node stops at the end of the first frame; Java's reader goes on, and fails at what is no frame. */
export function decompressZstd(bytes: Buffer, maxOutputLength: number): Buffer {
  const options = { maxOutputLength, info: true }
  const { buffer, engine } = zstdDecompressSync(bytes, options) as unknown as Unpacked
  if (engine.bytesWritten === bytes.length) return buffer
  const left = bytes.length - engine.bytesWritten
  throw new CodecError('corrupt-compression', `Zstd data is corrupt: ${left} bytes follow its frame`)
}
