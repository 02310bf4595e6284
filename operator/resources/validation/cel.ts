import { isDeepStrictEqual } from 'node:util'
import { type Token, tokenize } from './cel-lexer.ts'

/** Names that an expression may use, with their values. */
export type Variables = Readonly<Record<string, unknown>>

/** Computes an expression. Throws a TypeError where CEL would report an error, such as for a field that is absent. */
export type Expression = (variables: Variables) => unknown

const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
]

/**
 * Compiles the part of CEL that our CustomResourceDefinitions use: fields, has(), comparisons, arithmetic, in, lists,
 * the conditional, size, matches, startsWith, endsWith, contains, all and exists. Throws a SyntaxError for anything else.
 */
export function compileCel(text: string): Expression {
  return new Parser(tokenize(text)).parse()
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Expression {
    const expression = this.#conditional()
    if (this.#next.kind !== 'end')
      throw new SyntaxError(`The CEL expression goes on with '${this.#next.text}'`)
    return expression
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token
  }

  #take(text: string): boolean {
    const { kind } = this.#next
    if (this.#next.text !== text || kind === 'string' || kind === 'end') return false
    this.#at++
    return true
  }

  #expect(text: string): void {
    if (!this.#take(text))
      throw new SyntaxError(`Expected '${text}' in a CEL expression, not '${this.#next.text}'`)
  }

  #conditional(): Expression {
    const condition = this.#binary(0)
    if (!this.#take('?')) return condition
    const yes = this.#binary(0)
    this.#expect(':')
    const no = this.#conditional()
    return (variables) => (condition(variables) === true ? yes(variables) : no(variables))
  }

  #binary(level: number): Expression {
    const operators = levels[level]
    if (operators === undefined) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const operator = operators.find((each) => this.#take(each))
      if (operator === undefined) return left
      left = combine(operator, left, this.#binary(level + 1))
    }
  }

  #unary(): Expression {
    if (this.#take('!')) {
      const operand = this.#unary()
      return (variables) => operand(variables) !== true
    }
    if (this.#take('-')) {
      const operand = this.#unary()
      return (variables) => -(operand(variables) as number)
    }
    return this.#member(this.#primary())
  }

  #member(base: Expression): Expression {
    for (;;) {
      const object = base
      if (this.#take('.')) {
        const name = this.#name()
        base = this.#take('(') ? this.#method(object, name) : (variables) => select(object(variables), name)
      } else if (this.#take('[')) {
        const index = this.#conditional()
        this.#expect(']')
        base = (variables) => select(object(variables), index(variables) as string)
      } else return base
    }
  }

  #method(object: Expression, name: string): Expression {
    if (name === 'all' || name === 'exists') {
      const variable = this.#name()
      this.#expect(',')
      const test = this.#conditional()
      this.#expect(')')
      return (variables) => {
        const holds = (item: unknown) => test({ ...variables, [variable]: item }) === true
        const items = itemsOf(object(variables))
        return name === 'all' ? items.every(holds) : items.some(holds)
      }
    }
    const parameters = this.#parameters()
    return (variables) =>
      call(
        name,
        [object, ...parameters].map((each) => each(variables)),
      )
  }

  #primary(): Expression {
    const { kind, text } = this.#next
    if (this.#take('(')) {
      const inner = this.#conditional()
      this.#expect(')')
      return inner
    }
    if (this.#take('[')) {
      const items = this.#parameters(']')
      return (variables) => items.map((item) => item(variables))
    }
    this.#at++
    if (kind === 'number') return () => Number(text)
    if (kind === 'string') return () => text
    if (kind !== 'name') throw new SyntaxError(`A CEL expression cannot begin with '${text}'`)
    if (text === 'true' || text === 'false') return () => text === 'true'
    if (text === 'null') return () => null
    if (!this.#take('(')) return (variables) => select(variables, text)
    if (text === 'has') return this.#has()
    const parameters = this.#parameters()
    return (variables) =>
      call(
        text,
        parameters.map((each) => each(variables)),
      )
  }

  /** has(a.b) asks for the presence of the last field, where its value would be an error. */
  #has(): Expression {
    let object = this.#primary()
    let field = ''
    while (this.#take('.')) {
      const [base, name] = [object, field]
      if (name !== '') object = (variables) => select(base(variables), name)
      field = this.#name()
    }
    this.#expect(')')
    return (variables) => isObject(object(variables)) && Object.hasOwn(object(variables) as object, field)
  }

  #parameters(end = ')'): Expression[] {
    const parameters: Expression[] = []
    if (this.#take(end)) return parameters
    do parameters.push(this.#conditional())
    while (this.#take(','))
    this.#expect(end)
    return parameters
  }

  /** Reserved words are written `__word__` as field names. */
  #name(): string {
    const { kind, text } = this.#next
    if (kind !== 'name') throw new SyntaxError(`Expected a name in a CEL expression, not '${text}'`)
    this.#at++
    return /^__(namespace|in|for|if|package|const)__$/.exec(text)?.[1] ?? text
  }
}

function combine(operator: string, left: Expression, right: Expression): Expression {
  if (operator === '&&') return (variables) => left(variables) === true && right(variables) === true
  if (operator === '||') return (variables) => left(variables) === true || right(variables) === true
  return (variables) => compute(operator, left(variables), right(variables))
}

function compute(operator: string, left: unknown, right: unknown): unknown {
  if (operator === '==') return isDeepStrictEqual(left, right)
  if (operator === '!=') return !isDeepStrictEqual(left, right)
  if (operator === 'in') return itemsOf(right).some((item) => isDeepStrictEqual(item, left))
  if (typeof left !== typeof right)
    throw new TypeError(`CEL cannot compute ${typeof left} ${operator} ${typeof right}`)
  const [a, b] = [left as number, right as number]
  if (operator === '<') return a < b
  if (operator === '<=') return a <= b
  if (operator === '>') return a > b
  if (operator === '>=') return a >= b
  if (operator === '+') return a + b
  if (operator === '-') return a - b
  if (operator === '*') return a * b
  if (operator === '/') return Math.trunc(a / b)
  return a % b
}

function call(name: string, [subject, argument]: readonly unknown[]): unknown {
  if (name === 'size') return typeof subject === 'string' ? [...subject].length : itemsOf(subject).length
  const [text, part] = [String(subject), String(argument)]
  if (name === 'matches') return new RegExp(part).test(text)
  if (name === 'startsWith') return text.startsWith(part)
  if (name === 'endsWith') return text.endsWith(part)
  if (name === 'contains') return text.includes(part)
  throw new TypeError(`CEL function ${name} is not supported`)
}

function select(object: unknown, field: string): unknown {
  if (!isObject(object) || !Object.hasOwn(object, field))
    throw new TypeError(`CEL finds no such key: ${field}`)
  return (object as Record<string, unknown>)[field]
}

/** The items of a list, or the keys of a map. */
function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (isObject(value)) return Object.keys(value)
  throw new TypeError(`CEL expected a list or a map, not ${typeof value}`)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
