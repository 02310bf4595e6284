import type { Emitter } from './emitter.ts'
import type { Field, Primitive, Range, Struct } from './schema.ts'
import { condition, defaultExpression, elementSizeMin, elementType, fieldType, localOf } from './values.ts'

/** How the struct's code knows whether a version is flexible: always, never, or from a local `flex`. */
export type Flexibility = 'always' | 'never' | 'varies'

export function flexibilityOf(struct: Struct): Flexibility {
  if (struct.flexibleFrom <= struct.scope.from) return 'always'
  return struct.flexibleFrom > struct.scope.to ? 'never' : 'varies'
}

/** Chooses between two expressions by flexibility, knowing the versions in which the field exists. */
export function pick(field: Field, struct: Struct, compact: string, plain: string): string {
  if (!field.mayBeCompact || struct.flexibleFrom > field.versions.to) return plain
  if (struct.flexibleFrom <= field.versions.from) return compact
  return compact === plain ? plain : `flex ? ${compact} : ${plain}`
}

export function emitDecoder(out: Emitter, struct: Struct): void {
  const usesVersion = emitNeedsVersion(struct)
  out.block(
    `function decode${struct.name}(r: Reader, ${usesVersion ? 'v' : '_v'}: number): ${struct.name}`,
    () => {
      if (flexibilityOf(struct) === 'varies') out.line(`const flex = v >= ${struct.flexibleFrom}`)
      for (const field of struct.fields) if (field.tag === null) emitField(out, field, struct)
      emitTagged(out, struct)
      const props = struct.fields.map((field) =>
        localOf(field) === field.prop ? field.prop : `${field.prop}: ${localOf(field)}`,
      )
      out.line(`return { ${props.join(', ')} }`)
    },
  )
}

/** True when the struct's code depends on the version. */
export function emitNeedsVersion(struct: Struct): boolean {
  if (flexibilityOf(struct) === 'varies') return true
  return struct.fields.some(
    (field) =>
      field.struct !== null ||
      condition(field.versions, struct.scope) !== null ||
      (field.nullable !== null && condition(field.nullable, field.versions) !== null),
  )
}

function emitField(out: Emitter, field: Field, struct: Struct): void {
  const present = condition(field.versions, struct.scope)
  const local = localOf(field)
  if (!field.isArray) {
    const read = readExpression(field, struct)
    if (present === null) out.line(`const ${local} = ${read}`)
    else
      out.line(
        `const ${local} = ${present} ? ${read.includes('?') ? `(${read})` : read} : ${defaultExpression(field)}`,
      )
    return
  }
  if (present === null && field.nullable === null) {
    out.line(`const ${local}Count = ${countExpression(field, struct)}`)
    out.line(`const ${local}: ${fieldType(field, false)} = []`)
    out.line(`for (let i = 0; i < ${local}Count; i++) ${local}.push(${elementRead(field, struct)})`)
    return
  }
  const start = present === null ? 'null' : defaultExpression(field)
  out.line(`let ${local}: ${fieldType(field, false)} = ${start}`)
  out.block(present === null ? '' : `if (${present})`, () => emitArray(out, field, struct))
}

/** Expression on `v` for a field's nullability where the field exists: a condition, true or false. */
export function nullability(field: Field): string | boolean {
  if (field.nullable === null) return false
  const narrow = condition(field.nullable, field.versions)
  return narrow === null ? true : narrow
}

function byNullability(field: Field, nullable: string, plain: string): string {
  const when = nullability(field)
  if (when === true) return nullable
  if (when === false) return plain
  const wrap = (text: string) => (text.includes(' ? ') ? `(${text})` : text)
  return `${when} ? ${wrap(nullable)} : ${wrap(plain)}`
}

function countExpression(field: Field, struct: Struct): string {
  const sizeOld = elementSizeMin(field, false)
  const sizeFlexible = elementSizeMin(field, true)
  const plain = pick(field, struct, `r.compactArrayCount(${sizeFlexible})`, `r.arrayCount(${sizeOld})`)
  const nullable = pick(
    field,
    struct,
    `r.compactNullableArrayCount(${sizeFlexible})`,
    `r.nullableArrayCount(${sizeOld})`,
  )
  return byNullability(field, nullable, plain)
}

function emitArray(out: Emitter, field: Field, struct: Struct): void {
  const local = localOf(field)
  out.line(`const count = ${countExpression(field, struct)}`)
  const fill = () => {
    out.line(`const items: ${elementType(field, false)}[] = []`)
    out.line(`for (let i = 0; i < count; i++) items.push(${elementRead(field, struct)})`)
    out.line(`${local} = items`)
  }
  if (field.nullable === null) {
    fill()
    return
  }
  out.line(`if (count < 0) ${local} = null`)
  out.block('else', fill)
}

function elementRead(field: Field, struct: Struct): string {
  if (field.struct !== null) return `decode${field.struct.name}(r, v)`
  return readPrimitive(field, struct, false)
}

function readPrimitive(field: Field, struct: Struct, nullable: boolean): string {
  const primitive = field.primitive as Primitive
  if (primitive === 'string') {
    return nullable
      ? pick(field, struct, 'r.compactNullableString()', 'r.nullableString()')
      : pick(field, struct, 'r.compactString()', 'r.string()')
  }
  if (primitive === 'bytes' || primitive === 'records') {
    return nullable
      ? pick(field, struct, 'r.compactNullableBytes()', 'r.nullableBytes()')
      : pick(field, struct, 'r.compactBytes()', 'r.bytes()')
  }
  return `r.${primitive}()`
}

function readExpression(field: Field, struct: Struct): string {
  if (field.struct !== null) {
    const read = `decode${field.struct.name}(r, v)`
    return byNullability(field, `r.structPresent() ? ${read} : null`, read)
  }
  return byNullability(field, readPrimitive(field, struct, true), readPrimitive(field, struct, false))
}

function emitTagged(out: Emitter, struct: Struct): void {
  const tagged = struct.fields.filter((field) => field.tag !== null)
  const flexibility = flexibilityOf(struct)
  if (flexibility === 'never') return
  for (const field of tagged)
    out.line(`let ${localOf(field)}: ${fieldType(field, false)} = ${defaultExpression(field)}`)
  if (tagged.length === 0) {
    out.line(flexibility === 'varies' ? 'if (flex) r.skipTaggedFields()' : 'r.skipTaggedFields()')
    return
  }
  const loop = () =>
    out.block('for (let tags = r.uvarint(); tags > 0; tags--)', () => {
      out.block('switch (r.uvarint())', () => {
        for (const field of tagged) emitTaggedCase(out, field, struct)
        out.line('default:')
        out.line('  r.skipTagged()')
      })
    })
  out.block(flexibility === 'varies' ? 'if (flex)' : null, loop)
}

function emitTaggedCase(out: Emitter, field: Field, struct: Struct): void {
  if (field.struct !== null && !field.isArray && field.nullable !== null) {
    throw new Error(`Nullable tagged struct ${field.name} is not supported`)
  }
  const present = condition(field.versions, laterOf(struct))
  out.block(`case ${field.tag}:`, () => {
    const read = () => {
      out.line('const outer = r.beginTagged()')
      if (field.isArray) emitArray(out, field, struct)
      else out.line(`${localOf(field)} = ${readExpression(field, struct)}`)
      out.line('r.endTagged(outer)')
    }
    if (present === null) read()
    else {
      out.block(`if (${present})`, read)
      out.line('else r.skipTagged()')
    }
    out.line('break')
  })
}

function laterOf(struct: Struct): Range {
  return { from: Math.max(struct.scope.from, struct.flexibleFrom), to: struct.scope.to }
}
