import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Random } from '../random.ts'

/** The operating system's cryptographic randomness. */
export const systemRandom: Random = {
  uuid: () => randomUUID(),
  integer: (bound) => randomInt(bound),
  fraction: () => randomInt(2 ** 48 - 1) / (2 ** 48 - 1),
  bytes: (length) => randomBytes(length),
}
