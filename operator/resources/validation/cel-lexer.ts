/** A piece of a CEL expression. */
export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'symbol' | 'end'
  readonly text: string
}

const pattern =
  /\s*(?:([A-Za-z_]\w*)|(\d+)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(&&|\|\||[=!<>]=|[-+*/%<>!?:.,()[\]]))/y

/** Splits an expression of the Common Expression Language into tokens. Throws a SyntaxError at what is none. */
export function tokenize(expression: string): Token[] {
  const tokens: Token[] = []
  const text = expression.trimEnd()
  pattern.lastIndex = 0
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(text)
    if (match === null)
      throw new SyntaxError(`Cannot read the CEL expression at '${text.slice(at, at + 20)}'`)
    const [, name, number, single, double, symbol] = match
    const string = single ?? double
    if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (string !== undefined) tokens.push({ kind: 'string', text: string.replaceAll(/\\(.)/g, '$1') })
    else tokens.push({ kind: 'symbol', text: symbol ?? '' })
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}
