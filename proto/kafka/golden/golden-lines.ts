/** One line of what `java/Golden.java` writes. */
export interface GoldenLine {
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly variant: string
  readonly bytes: Buffer
}

export function readGolden(text: string): GoldenLine[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [kind = '', name = '', version = '', variant = '', base64 = ''] = line.split('\t')
      return { kind, name, version: Number(version), variant, bytes: Buffer.from(base64, 'base64') }
    })
}
