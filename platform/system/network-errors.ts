import { NetworkError, type NetworkErrorCode } from '../network.ts'

const meanings: Record<string, readonly [NetworkErrorCode, string]> = {
  EADDRINUSE: ['AddressInUse', 'is already in use: stop the process that holds it or choose another port'],
  EADDRNOTAVAIL: ['AddressUnavailable', 'is not an address of this machine'],
  EACCES: ['Denied', 'may not be used by this user: ports below 1024 usually need a privilege'],
  EPERM: ['Denied', 'was denied by the operating system, often by a firewall'],
  ENOTFOUND: ['HostNotFound', 'cannot be resolved: no such host name'],
  EAI_AGAIN: ['HostNotFound', 'cannot be resolved: the name server did not answer'],
  ECONNREFUSED: ['Refused', 'refused the connection: nothing listens there'],
  EHOSTUNREACH: ['Unreachable', 'cannot be reached: no route to the host'],
  ENETUNREACH: ['Unreachable', 'cannot be reached: no route to its network'],
  ETIMEDOUT: ['TimedOut', 'did not answer in time'],
  ECONNRESET: ['Reset', 'reset the connection'],
  EPIPE: ['Reset', 'closed the connection while it was written to'],
  ECONNABORTED: ['Reset', 'aborted the connection'],
}

/** Puts an error of node:net or node:tls into words; `address` is what was bound or dialled. */
export function toNetworkError(error: unknown, address: string): NetworkError {
  if (error instanceof NetworkError) return error
  const code = (error as { code?: unknown } | null)?.code
  const text = error instanceof Error ? error.message : String(error)
  if (typeof code === 'string') {
    const meaning = meanings[code]
    if (meaning !== undefined) return new NetworkError(meaning[0], `${address} ${meaning[1]}`, error)
    if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('ERR_OSSL')) {
      return new NetworkError('InvalidTls', `TLS on ${address} failed: ${text}`, error)
    }
  }
  return new NetworkError('Failed', `Network error on ${address}: ${text}`, error)
}

/** The usual way to write an address; IPv6 goes into brackets. */
export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
