import { crc32 } from 'node:zlib'
import type { _Object, GetObjectCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import {
  checkByteRange,
  checkDeleteCount,
  checkListLimit,
  checkObjectKey,
  checkObjectPrefix,
  isObjectKey,
  tooShort,
} from '../object-key.ts'
import {
  type ByteRange,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  ObjectStoreError,
} from '../object-store.ts'
import type { Random } from '../random.ts'
import { backoffMs } from '../std/backoff.ts'
import type { Timers } from '../timers.ts'
import { toDeleteError, toStoreError } from './s3-errors.ts'

export interface S3ObjectStoreOptions {
  readonly bucket: string
  readonly region: string
  /** Of a server other than AWS. */
  readonly endpoint?: string
  /** Bucket in the path instead of the host name, which most servers other than AWS need. */
  readonly forcePathStyle?: boolean
  /** The SDK looks in its usual places when absent. */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** Put before every key; a "/" is added between. */
  readonly prefix?: string
  readonly timers: Timers
  readonly random: Random
  readonly connectTimeoutMs?: number
  /** For one try of one request, with its whole body. */
  readonly requestTimeoutMs?: number
  /** Tries of a request that fails in a way that may pass. */
  readonly attemptsMax?: number
  readonly connectionsMax?: number
}

type Sdk = typeof import('@aws-sdk/client-s3')
interface Loaded {
  readonly sdk: Sdk
  readonly client: S3Client
}

const backoff = { initialMs: 50, maxMs: 5_000 }
/** A throttled store wants to be left alone for longer. */
const throttledBackoff = { initialMs: 500, maxMs: 20_000 }
/** Largest object that is read in one piece: an answer cannot make the process run out of memory. */
const objectMaxBytes = 1 << 30

/**
 * Objects in an S3 bucket. Writes are conditional (`If-None-Match: *`) and carry a CRC-32 that the server checks. The
 * SDK is loaded with the first call: it costs memory that other processes save.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #options: S3ObjectStoreOptions
  readonly #prefix: string
  readonly #requestTimeoutMs: number
  readonly #attemptsMax: number
  #loading: Promise<Loaded> | undefined

  constructor(options: S3ObjectStoreOptions) {
    const prefix = (options.prefix ?? '').replace(/^\/+|\/+$/g, '')
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.#options = options
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.#attemptsMax = options.attemptsMax ?? 5
    checkObjectPrefix(this.#prefix)
  }

  async put(key: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    checkObjectKey(key)
    const body = Buffer.concat(parts)
    const checksum = crc32Base64(body)
    const doing = `Cannot store object ${key}`
    try {
      await this.#request(key, doing, signal, async ({ sdk, client }, abortSignal) => {
        const command = new sdk.PutObjectCommand({
          ...this.#address(key),
          Body: body,
          ContentLength: body.byteLength,
          ChecksumCRC32: checksum,
          IfNoneMatch: '*',
        })
        const { ChecksumCRC32: confirmed } = await client.send(command, { abortSignal })
        if (confirmed === undefined || confirmed === checksum) return
        throw new ObjectStoreError(
          'Corrupt',
          key,
          `${doing}: the store confirmed checksum ${confirmed}, not ${checksum}`,
        )
      })
    } catch (error) {
      if (!(error instanceof ObjectStoreError && error.code === 'AlreadyExists')) throw error
      await this.#confirmSame(key, body, checksum, signal)
    }
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    return this.#get(key, range, signal, objectMaxBytes)
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | null> {
    checkObjectKey(key)
    try {
      return await this.#request(
        key,
        `Cannot look up object ${key}`,
        signal,
        async ({ sdk, client }, abortSignal) => {
          const answer = await client.send(new sdk.HeadObjectCommand(this.#address(key)), { abortSignal })
          return {
            key,
            sizeBytes: answer.ContentLength ?? 0,
            modifiedMs: answer.LastModified?.getTime() ?? 0,
          }
        },
      )
    } catch (error) {
      if (error instanceof ObjectStoreError && error.code === 'NotFound') return null
      throw error
    }
  }

  async list(
    prefix: string,
    options: { after?: string; limit: number; signal?: AbortSignal },
  ): Promise<ObjectPage> {
    checkObjectPrefix(prefix)
    checkListLimit(options.limit)
    const doing = `Cannot list the objects of ${prefix}`
    let token: string | undefined
    for (;;) {
      const answer = await this.#request(prefix, doing, options.signal, ({ sdk, client }, abortSignal) => {
        const after = options.after === undefined ? {} : { StartAfter: this.#prefix + options.after }
        const command = new sdk.ListObjectsV2Command({
          Bucket: this.#options.bucket,
          Prefix: this.#prefix + prefix,
          MaxKeys: options.limit,
          ...(token === undefined ? after : { ContinuationToken: token }),
        })
        return client.send(command, { abortSignal })
      })
      const found = (answer.Contents ?? []).flatMap((item) => this.#toInfo(item))
      const last = found.at(-1)
      token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
      if (token === undefined) return { objects: found }
      // A page of nothing but foreign keys names nothing to go on from: the server's own token does.
      if (last !== undefined) return { objects: found, next: last.key }
    }
  }

  async delete(
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly { key: string; error: ObjectStoreError }[]> {
    checkDeleteCount(keys)
    signal?.throwIfAborted()
    const failed: { key: string; error: ObjectStoreError }[] = []
    const valid: string[] = []
    for (const key of new Set(keys)) {
      try {
        checkObjectKey(key)
        valid.push(key)
      } catch (error) {
        failed.push({ key, error: error as ObjectStoreError })
      }
    }
    if (valid.length === 0) return failed
    try {
      const answer = await this.#request(
        '',
        'Cannot delete objects',
        signal,
        ({ sdk, client }, abortSignal) => {
          const command = new sdk.DeleteObjectsCommand({
            Bucket: this.#options.bucket,
            Delete: { Quiet: true, Objects: valid.map((key) => ({ Key: this.#prefix + key })) },
          })
          return client.send(command, { abortSignal })
        },
      )
      for (const entry of answer.Errors ?? []) {
        const key = (entry.Key ?? '').slice(this.#prefix.length)
        const error = toDeleteError(key, entry.Code ?? 'Unknown', entry.Message ?? '')
        if (error !== null) failed.push({ key, error })
      }
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error
      for (const key of valid) failed.push({ key, error })
    }
    return failed
  }

  /** Closes the idle connections. */
  async close(): Promise<void> {
    if (this.#loading === undefined) return
    const { client } = await this.#loading
    client.destroy()
  }

  async #get(key: string, range: ByteRange | undefined, signal: AbortSignal | undefined, maxBytes: number) {
    checkObjectKey(key)
    checkByteRange(key, range)
    if (range !== undefined && range.start === range.end) {
      // HTTP has no empty ranges; the object must still reach as far.
      const info = await this.head(key, signal)
      if (info === null)
        throw new ObjectStoreError('NotFound', key, `Cannot read object ${key}: there is none`)
      if (info.sizeBytes < range.end) throw tooShort(key, range, info.sizeBytes)
      return Buffer.alloc(0)
    }
    return this.#request(key, `Cannot read object ${key}`, signal, async ({ sdk, client }, abortSignal) => {
      const part = range === undefined ? { ChecksumMode: 'ENABLED' as const } : { Range: httpRange(range) }
      const command = new sdk.GetObjectCommand({ ...this.#address(key), ...part })
      return readBody(key, range, await client.send(command, { abortSignal }), maxBytes)
    })
  }

  /** A put that is repeated because its reply was lost finds its own bytes. */
  async #confirmSame(
    key: string,
    body: Buffer,
    checksum: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const doing = `Cannot look up object ${key}`
    const stored = await this.#request(key, doing, signal, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.HeadObjectCommand({ ...this.#address(key), ChecksumMode: 'ENABLED' }), {
        abortSignal,
      }),
    )
    let same = stored.ContentLength === body.byteLength
    if (same && stored.ChecksumCRC32 !== undefined) same = stored.ChecksumCRC32 === checksum
    else if (same) same = body.equals(await this.#get(key, undefined, signal, body.byteLength))
    if (!same)
      throw new ObjectStoreError('AlreadyExists', key, `Object ${key} already exists with other bytes`)
  }

  /** Tries until it succeeds, fails for good, or has failed often enough. Each try has its own time. */
  async #request<T>(
    key: string,
    doing: string,
    signal: AbortSignal | undefined,
    send: (loaded: Loaded, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { timers, random } = this.#options
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted()
      const timeout = new AbortController()
      const tooLong = `${doing}: no complete answer within ${this.#requestTimeoutMs} ms`
      const timer = timers.after(this.#requestTimeoutMs, () =>
        timeout.abort(new ObjectStoreError('Unavailable', key, tooLong)),
      )
      const abortSignal = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal])
      let failure: ObjectStoreError
      try {
        return await send(await this.#load(), abortSignal)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        failure = timeout.signal.aborted ? timeout.signal.reason : toStoreError(error, key, doing)
      } finally {
        timer.cancel()
      }
      if (!failure.retryable || attempt >= this.#attemptsMax) throw failure
      const growth = failure.code === 'Throttled' ? throttledBackoff : backoff
      await timers.sleep(backoffMs(attempt, growth, random.fraction()), signal)
    }
  }

  #load(): Promise<Loaded> {
    this.#loading ??= import('@aws-sdk/client-s3').then((sdk) => {
      const client = new sdk.S3Client(clientConfig(this.#options, this.#requestTimeoutMs))
      leavePayloadUnsigned(client)
      return { sdk, client }
    })
    return this.#loading
  }

  #address(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#prefix + key }
  }

  /** Objects of others in the bucket are not ours to list. */
  #toInfo(item: _Object): ObjectInfo[] {
    const key = (item.Key ?? '').slice(this.#prefix.length)
    if (!isObjectKey(key)) return []
    return [{ key, sizeBytes: item.Size ?? 0, modifiedMs: item.LastModified?.getTime() ?? 0 }]
  }
}

function clientConfig(options: S3ObjectStoreOptions, requestTimeoutMs: number): S3ClientConfig {
  const agent = { keepAlive: true, maxSockets: options.connectionsMax ?? 64 }
  return {
    region: options.region,
    forcePathStyle: options.forcePathStyle ?? false,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking before each large body would cost a round trip.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? 5_000,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  }
}

/** The signed CRC-32 header already protects the body; hashing it with SHA-256 as well would cost most of a put's CPU. */
function leavePayloadUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      if (context.commandName === 'PutObjectCommand') {
        const request = args.request as { headers: Record<string, string> }
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      }
      return next(args)
    },
    { step: 'build', name: 'unsignedPayload' },
  )
}

/** HTTP's ranges include their last byte. */
function httpRange(range: ByteRange): string {
  return `bytes=${range.start}-${range.end - 1}`
}

async function readBody(
  key: string,
  range: ByteRange | undefined,
  answer: GetObjectCommandOutput,
  maxBytes: number,
): Promise<Buffer> {
  const body = answer.Body as (AsyncIterable<Uint8Array> & { destroy(): void }) | undefined
  const announced = answer.ContentLength
  const size = range === undefined ? announced : range.end - range.start
  if (body === undefined || size === undefined) {
    throw new ObjectStoreError(
      'Unavailable',
      key,
      `Cannot read object ${key}: the answer has no body or no length`,
    )
  }
  try {
    if (range !== undefined && announced !== size) throw tooShort(key, range, totalBytes(answer.ContentRange))
    if (size > maxBytes) {
      throw new ObjectStoreError(
        'Corrupt',
        key,
        `Object ${key} has ${size} bytes; at most ${maxBytes} were expected`,
      )
    }
    const bytes = Buffer.allocUnsafeSlow(size)
    let filled = 0
    for await (const chunk of body) {
      if (filled + chunk.byteLength <= size) bytes.set(chunk, filled)
      filled += chunk.byteLength
    }
    if (filled === size) return bytes
    // A connection that broke passes; the announced length tells it from an object that is too short.
    throw new ObjectStoreError(
      'Unavailable',
      key,
      `Cannot read object ${key}: ${filled} of ${size} bytes arrived`,
    )
  } finally {
    body.destroy()
  }
}

/** The size behind the slash of `bytes 0-9/100`. */
function totalBytes(contentRange: string | undefined): number | undefined {
  const text = contentRange?.split('/')[1]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

function crc32Base64(body: Buffer): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return bytes.toString('base64')
}
