import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Schema } from './definition.ts'

const manifests = join(import.meta.dirname, '../../crds')
const output = join(import.meta.dirname, 'generated')
const maxLineLength = 110

interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string; readonly plural: string }
    readonly versions: readonly {
      readonly name: string
      readonly schema: { readonly openAPIV3Schema: Schema }
    }[]
  }
}

/** The TypeScript files that crds/ stands for, by file name. */
export function generateResources(folder = manifests): Map<string, string> {
  const files = new Map<string, string>()
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.yaml')) continue
    const definition = parse(readFileSync(join(folder, file), 'utf8')) as Definition
    const name = definition.spec.names.kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
    files.set(`${name}.ts`, writeKind(file, definition))
  }
  return files
}

function writeKind(file: string, definition: Definition): string {
  const { group, names, versions } = definition.spec
  const [version] = versions
  if (version === undefined) throw new Error(`${file} declares no version`)
  const schema = version.schema.openAPIV3Schema
  const types: string[] = []
  for (const part of ['spec', 'status']) {
    const name = names.kind + capitalize(part)
    writeInterface(types, name, schema.properties?.[part] ?? {}, part === 'status' ? 'status' : '')
  }
  const constant = names.kind.charAt(0).toLowerCase() + names.kind.slice(1)
  const json = JSON.stringify(schema, null, 2)
  return [
    `// Generated from crds/${file} by operator/resources/generate.ts: change that file and run npm run generate.`,
    `import type { ResourceDefinition } from '../definition.ts'`,
    `import type { Condition, Resource } from '../resource.ts'`,
    '',
    ...types,
    `/** ${schema.description ?? names.kind} */`,
    `export type ${names.kind} = Resource<${names.kind}Spec, ${names.kind}Status>`,
    '',
    `export const ${constant}Definition: ResourceDefinition = {`,
    `  group: '${group}',`,
    `  version: '${version.name}',`,
    `  kind: '${names.kind}',`,
    `  plural: '${names.plural}',`,
    `  schema: ${json.replaceAll('\n', '\n  ')},`,
    '}',
    '',
  ].join('\n')
}

function writeInterface(types: string[], name: string, schema: Schema, path: string): void {
  const lines: string[] = []
  for (const [property, child] of Object.entries(schema.properties ?? {})) {
    if (child.description !== undefined) lines.push(...comment(child.description, '  '))
    const optional = schema.required?.includes(property) || child.default !== undefined ? '' : '?'
    lines.push(
      `  readonly ${property}${optional}: ${typeOf(types, name + capitalize(property), child, `${path}.${property}`)}`,
    )
  }
  const head = schema.description === undefined ? [] : comment(schema.description, '')
  types.push(...head, `export interface ${name} {`, ...lines, '}', '')
}

function comment(text: string, indent: string): string[] {
  const whole = `${indent}/** ${text} */`
  if (whole.length <= maxLineLength) return [whole]
  const lines = [`${indent}/**`]
  let line = `${indent} *`
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > maxLineLength) {
      lines.push(line)
      line = `${indent} *`
    }
    line += ` ${word}`
  }
  lines.push(line, `${indent} */`)
  return lines
}

function typeOf(types: string[], name: string, schema: Schema, path: string): string {
  if (path === 'status.conditions') return 'readonly Condition[]'
  if (schema['x-kubernetes-int-or-string']) return 'number | string'
  if (schema.enum !== undefined) return schema.enum.map((value) => `'${String(value)}'`).join(' | ')
  if (schema.type === 'array') {
    const item = typeOf(types, name.replace(/s$/, ''), schema.items ?? {}, `${path}[]`)
    return `readonly ${item.includes('|') ? `(${item})` : item}[]`
  }
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  if (schema.type === 'boolean' || schema.type === 'string') return schema.type
  if (schema.additionalProperties !== undefined) {
    return `Readonly<Record<string, ${typeOf(types, `${name}Value`, schema.additionalProperties, `${path}{}`)}>>`
  }
  if (schema.properties === undefined) return 'unknown'
  writeInterface(types, name, schema, path)
  return name
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Writes the generated files, or with `--check` says which ones are not what crds/ stands for. */
function main(check: boolean): number {
  const files = generateResources()
  const stale: string[] = []
  for (const [name, text] of files) {
    const path = join(output, name)
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    stale.push(name)
    if (!check) writeFileSync(path, text)
  }
  const extra = readdirSync(output).filter((name) => !files.has(name))
  for (const name of extra)
    console.error(`operator/resources/generated/${name} stands for no file of crds/; delete it`)
  if (check)
    for (const name of stale)
      console.error(`operator/resources/generated/${name} is out of date; run npm run generate`)
  return extra.length > 0 || (check && stale.length > 0) ? 1 : 0
}

if (import.meta.main) process.exitCode = main(process.argv.includes('--check'))
