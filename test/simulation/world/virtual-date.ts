/**
 * Makes Date.now tell virtual time while `run` goes on. PGlite takes the time of now() and clock_timestamp() from it, and
 * leases, heartbeats and group expiry are decided by those.
 */
export async function withVirtualDate<T>(nowMs: () => number, run: () => Promise<T>): Promise<T> {
  const realNow = Date.now
  Date.now = nowMs
  try {
    return await run()
  } finally {
    Date.now = realNow
  }
}
