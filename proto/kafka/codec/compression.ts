import { compressGzip, decompressGzip } from './compression/gzip.ts'
import { compressLz4, decompressLz4 } from './compression/lz4.ts'
import { compressSnappy, decompressSnappy } from './compression/snappy.ts'
import { compressZstd, decompressZstd } from './compression/zstd.ts'
import { asCodecError, CodecError } from './errors.ts'
import type { CompressionName } from './record-batch.ts'

/** Compresses with the codec's default level unless one is given; snappy and lz4 have no levels here. */
export function compress(name: CompressionName, bytes: Buffer, level?: number): Buffer {
  switch (name) {
    case 'none':
      return bytes
    case 'gzip':
      return compressGzip(bytes, level)
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bytes)
    case 'zstd':
      return compressZstd(bytes, level)
  }
}

/**
 * Decompresses into at most `maxOutputBytes`. `magic` is the format of the message that held the bytes.
 * Throws CodecError `decompressed-too-large` or `corrupt-compression`.
 */
export function decompress(name: CompressionName, bytes: Buffer, maxOutputBytes: number, magic = 2): Buffer {
  try {
    switch (name) {
      case 'none':
        return bytes
      case 'gzip':
        return decompressGzip(bytes, maxOutputBytes)
      case 'snappy':
        return decompressSnappy(bytes, maxOutputBytes)
      case 'lz4':
        return decompressLz4(bytes, maxOutputBytes, magic > 0)
      case 'zstd':
        return decompressZstd(bytes, maxOutputBytes)
    }
  } catch (thrown) {
    if (thrown instanceof RangeError && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `Data of ${bytes.length} bytes unpacks by ${name} to more than ${maxOutputBytes} bytes`
      throw new CodecError('decompressed-too-large', message, { cause: thrown })
    }
    throw asCodecError(
      'corrupt-compression',
      `Data of ${bytes.length} bytes cannot be unpacked by ${name}`,
      thrown,
    )
  }
}
