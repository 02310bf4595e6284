/** A broker that is measured, with all the processes it takes. */
export interface SystemUnderTest {
  readonly name: string
  readonly bootstrap: string
  /** The roots of its process trees; the first one answers the clients. */
  readonly parts: readonly { readonly name: string; readonly pid: number }[]
  stop(): Promise<void>
}
