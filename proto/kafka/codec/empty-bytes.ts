/** Shared by all decoded messages; it has no bytes that could be changed. */
export const EMPTY_BYTES: Buffer = Buffer.alloc(0)
