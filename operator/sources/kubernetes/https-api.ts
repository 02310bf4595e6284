import http from 'node:http'
import https from 'node:https'
import type { Clock } from '@streamhouse/platform/clock'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import { describeError, OperatorError, type OperatorErrorCode } from '../../errors.ts'
import type { ApiRequest, KubernetesApi } from './api.ts'

/** Adds what proves who we are: certificates, tokens, an agent. Called for each request, since tokens rotate. */
export type Authorize = (options: https.RequestOptions) => Promise<void>

interface HttpsApiOptions {
  /** URL of the API server. */
  readonly server: string
  readonly authorize: Authorize
  readonly clock: Clock
  readonly timers: Timers
  /** Longest silence of the server, while it answers a call or keeps a stream open. */
  readonly requestTimeoutMs?: number
  readonly streamTimeoutMs?: number
}

const maxBodyBytes = 64 << 20
const maxLineBytes = 16 << 20
const maxRetryAfterMs = 60_000
const maxMessageLength = 1_024

/** Talks to an API server by node:https. */
export class HttpsApi implements KubernetesApi {
  readonly #options: HttpsApiOptions
  readonly #requestTimeoutMs: number
  readonly #streamTimeoutMs: number

  constructor(options: HttpsApiOptions) {
    this.#options = options
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.#streamTimeoutMs = options.streamTimeoutMs ?? 150_000
  }

  async request(call: ApiRequest): Promise<unknown> {
    const answer = await this.#send(call, this.#requestTimeoutMs)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of answer.chunks()) {
      length += chunk.length
      if (length > maxBodyBytes)
        throw new OperatorError('Invalid', `${call.method} ${call.path} answered over ${maxBodyBytes} bytes`)
      chunks.push(chunk)
    }
    return parseBody(call, Buffer.concat(chunks))
  }

  async *stream(call: ApiRequest): AsyncIterable<string> {
    const answer = await this.#send(call, this.#streamTimeoutMs)
    let rest: Buffer[] = []
    let restLength = 0
    for await (const chunk of answer.chunks()) {
      let start = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8')
        rest = []
        restLength = 0
        start = end + 1
      }
      rest.push(chunk.subarray(start))
      restLength += chunk.length - start
      if (restLength > maxLineBytes)
        throw new OperatorError('Invalid', `${call.path} streamed a line of over ${maxLineBytes} bytes`)
    }
    if (restLength > 0) throw new OperatorError('Unavailable', `${call.path} ended in the middle of a line`)
  }

  async #send(call: ApiRequest, silenceMs: number): Promise<Answer> {
    call.signal?.throwIfAborted()
    const url = new URL(this.#options.server)
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    const options: https.RequestOptions = {
      method: call.method,
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: `${url.pathname.replace(/\/$/, '')}${call.path}${queryText(call.query)}`,
      headers: {
        accept: call.accept ?? 'application/json',
        ...(body === undefined
          ? {}
          : {
              'content-type': call.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
      },
    }
    try {
      await this.#options.authorize(options)
    } catch (error) {
      throw new OperatorError(
        'Unavailable',
        `Cannot authenticate to ${this.#options.server}: ${describeError(error)}`,
        { cause: error },
      )
    }
    const answer = new Answer(call, this.#options.timers, silenceMs)
    const response = await answer.open(options, body)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return answer
    throw await this.#refusal(call, answer, status, response.headers['retry-after'])
  }

  async #refusal(
    call: ApiRequest,
    answer: Answer,
    status: number,
    retryAfter: string | undefined,
  ): Promise<OperatorError> {
    let text = ''
    try {
      for await (const chunk of answer.chunks()) {
        text += chunk.toString('utf8')
        if (text.length > 64 * 1024) break
      }
    } catch {
      // The status code says enough.
    }
    const message = `${call.method} ${call.path} answered ${status}: ${statusMessage(text)}`
    const retryAfterMs = parseRetryAfter(retryAfter, this.#options.clock)
    return new OperatorError(
      codeOf(status, text),
      message,
      retryAfterMs === undefined ? {} : { retryAfterMs },
    )
  }
}

/** One exchange; silence for too long, or an abort, cuts it. */
class Answer {
  readonly #call: ApiRequest
  readonly #timers: Timers
  readonly #silenceMs: number
  #request: http.ClientRequest | null = null
  #response: http.IncomingMessage | null = null
  #timer: Timer | null = null
  #failure: unknown

  constructor(call: ApiRequest, timers: Timers, silenceMs: number) {
    this.#call = call
    this.#timers = timers
    this.#silenceMs = silenceMs
  }

  async open(options: https.RequestOptions, body: string | undefined): Promise<http.IncomingMessage> {
    const request = (options.protocol === 'http:' ? http : https).request(options)
    this.#request = request
    this.#call.signal?.addEventListener('abort', this.#abort, { once: true })
    this.#touch()
    try {
      this.#response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        request.on('response', resolve)
        request.on('error', reject)
        request.on('close', () => reject(new Error('the connection was closed')))
        request.end(body)
      })
      return this.#response
    } catch (error) {
      this.#release()
      throw this.#explain(error)
    }
  }

  async *chunks(): AsyncGenerator<Buffer> {
    const response = this.#response
    if (response === null) return
    let complete = false
    try {
      this.#touch()
      for await (const chunk of response) {
        this.#touch()
        yield chunk as Buffer
      }
      complete = true
    } catch (error) {
      throw this.#explain(error)
    } finally {
      this.#release()
      if (!complete) response.destroy()
    }
  }

  #touch(): void {
    this.#timer?.cancel()
    this.#timer = this.#timers.after(this.#silenceMs, () => {
      this.#failure = new OperatorError(
        'Unavailable',
        `${this.#call.path} was silent for ${this.#silenceMs} ms`,
      )
      this.#request?.destroy()
    })
  }

  readonly #abort = (): void => {
    this.#failure = this.#call.signal?.reason
    this.#request?.destroy()
  }

  #release(): void {
    this.#timer?.cancel()
    this.#call.signal?.removeEventListener('abort', this.#abort)
  }

  #explain(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure
    if (error instanceof OperatorError) return error
    return new OperatorError(
      'Unavailable',
      `${this.#call.method} ${this.#call.path} failed: ${describeError(error)}`,
      { cause: error },
    )
  }
}

function queryText(query: Readonly<Record<string, string>> | undefined): string {
  return query === undefined ? '' : `?${new URLSearchParams(query)}`
}

function parseBody(call: ApiRequest, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new OperatorError('Unavailable', `${call.method} ${call.path} answered with broken JSON`, {
      cause: error,
    })
  }
}

function statusMessage(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message.slice(0, maxMessageLength)
  } catch {
    // A proxy in between answers in its own words.
  }
  return text.slice(0, 200)
}

function codeOf(status: number, text: string): OperatorErrorCode {
  if (status === 404) return 'NotFound'
  if (status === 409) return 'Stale'
  if (status === 410) return 'Gone'
  if (status === 429) return 'Throttled'
  if (status === 401 || status === 403) return 'Forbidden'
  // A failed `test` of a JSON patch is 422, like an object that is not valid.
  if (status === 422 && text.includes('testing path')) return 'Stale'
  if (status >= 500 || status < 400) return 'Unavailable'
  return 'Invalid'
}

function parseRetryAfter(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined) return undefined
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.nowMs()
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), maxRetryAfterMs) : undefined
}
