/** Collects lines of TypeScript with their indentation. */
export class Emitter {
  private readonly lines: string[] = []
  private depth = 0

  line(text = ''): void {
    this.lines.push(text === '' ? '' : '  '.repeat(this.depth) + text)
  }

  /** Emits `head {`, the body one level deeper, and `}`. A null head emits the body alone, an empty one a bare block. */
  block(head: string | null, body: () => void, tail = '}'): void {
    if (head === null) {
      body()
      return
    }
    this.line(head === '' ? '{' : `${head} {`)
    this.depth++
    body()
    this.depth--
    this.line(tail)
  }

  toString(): string {
    return `${this.lines.join('\n')}\n`
  }
}
