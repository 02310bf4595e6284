import { emitNeedsVersion, flexibilityOf, nullability, pick } from './decoder.ts'
import type { Emitter } from './emitter.ts'
import type { Field, Primitive, Struct } from './schema.ts'
import { condition, defaultExpression, differsFromDefault, fixedSize, isOptional, localOf } from './values.ts'

export function emitEncoder(out: Emitter, struct: Struct): void {
  const v = emitNeedsVersion(struct) ? 'v' : '_v'
  const m = struct.fields.length === 0 ? '_m' : 'm'
  const w = struct.fields.length === 0 && flexibilityOf(struct) === 'never' ? '_w' : 'w'
  out.block(
    `function encode${struct.name}(${w}: Writer, ${m}: ${struct.name}Input, ${v}: number): void`,
    () => {
      if (flexibilityOf(struct) === 'varies') out.line(`const flex = v >= ${struct.flexibleFrom}`)
      for (const field of struct.fields) if (field.tag === null) emitField(out, field, struct)
      emitTagged(out, struct)
    },
  )
}

/** Emits the test whether a struct holds nothing but defaults, which decides if a tagged struct is written. */
export function emitIsDefault(out: Emitter, struct: Struct): void {
  out.block(`function isDefault${struct.name}(m: ${struct.name}Input): boolean`, () => {
    const tests = struct.fields.map((field) => `(${differsFromDefault(field, `m.${field.prop}`)})`)
    out.line(`return !(${tests.join(' || ')})`)
  })
}

function emitField(out: Emitter, field: Field, struct: Struct): void {
  const present = condition(field.versions, struct.scope)
  if (present === null) {
    if (field.isArray || field.struct !== null) out.block('', () => emitValue(out, field, struct))
    else emitValue(out, field, struct)
    return
  }
  const refuse = struct.strict && !field.ignorable
  out.block(`if (${present})`, () => emitValue(out, field, struct))
  if (refuse) {
    out.block(`else if (${differsFromDefault(field, `m.${field.prop}`)})`, () =>
      out.line(`throw unsupportedField('${struct.name}.${field.prop}', v)`),
    )
  }
}

function valueExpression(field: Field, struct: Struct): string {
  const prop = `m.${field.prop}`
  if (!isOptional(field, struct)) return prop
  const fallback = defaultExpression(field)
  if (fallback === 'null') return `${prop} ?? null`
  return field.nullable === null ? `${prop} ?? ${fallback}` : `${prop} === undefined ? ${fallback} : ${prop}`
}

function emitValue(out: Emitter, field: Field, struct: Struct): void {
  if (!field.isArray && field.struct === null) {
    emitPrimitiveField(out, field, struct, valueExpression(field, struct))
    return
  }
  const local = localOf(field)
  out.line(`const ${local} = ${valueExpression(field, struct)}`)
  if (field.isArray) emitArray(out, field, struct, local)
  else emitStruct(out, field, struct, local)
}

function emitPrimitiveField(out: Emitter, field: Field, struct: Struct, value: string): void {
  const when = nullability(field)
  if (when === false) out.line(writePrimitive(field, struct, false, value))
  else if (when === true) out.line(writePrimitive(field, struct, true, value))
  else {
    out.line(`if (${when}) ${writePrimitive(field, struct, true, value)}`)
    const required = `required(${value}, '${struct.name}.${field.prop}', v)`
    out.line(`else ${writePrimitive(field, struct, false, required)}`)
  }
}

function writePrimitive(field: Field, struct: Struct, nullable: boolean, value: string): string {
  const primitive = field.primitive as Primitive
  const suffix = primitive === 'string' ? 'String' : 'Bytes'
  if (primitive !== 'string' && primitive !== 'bytes' && primitive !== 'records')
    return `w.${primitive}(${value})`
  const compact = `w.compact${nullable ? 'Nullable' : ''}${suffix}(${value})`
  const plain = `w.${nullable ? `nullable${suffix}` : suffix.toLowerCase()}(${value})`
  const chosen = pick(field, struct, compact, plain)
  return chosen.startsWith('flex ?') ? `flex ? ${compact} : ${plain}` : chosen
}

function emitArray(out: Emitter, field: Field, struct: Struct, local: string): void {
  const fill = () => {
    out.line(pick(field, struct, `w.compactArrayCount(${local}.length)`, `w.arrayCount(${local}.length)`))
    const write =
      field.struct === null
        ? writePrimitive(field, struct, false, 'item')
        : `encode${field.struct.name}(w, item, v)`
    out.line(`for (const item of ${local}) ${write}`)
  }
  if (field.nullable === null) {
    fill()
    return
  }
  out.block(`if (${local} === null)`, () => {
    emitNullGuard(out, field, struct)
    out.line(pick(field, struct, 'w.compactArrayCount(-1)', 'w.arrayCount(-1)'))
  })
  out.block('else', fill)
}

function emitNullGuard(out: Emitter, field: Field, struct: Struct): void {
  const when = nullability(field)
  if (typeof when === 'string') out.line(`if (!(${when})) required(null, '${struct.name}.${field.prop}', v)`)
}

function emitStruct(out: Emitter, field: Field, struct: Struct, local: string): void {
  const encode = `encode${field.struct?.name}(w, ${local}, v)`
  if (field.nullable === null) {
    out.line(encode)
    return
  }
  out.block(`if (${local} === null)`, () => {
    emitNullGuard(out, field, struct)
    out.line('w.structPresent(false)')
  })
  out.block('else', () => {
    const when = nullability(field)
    out.line(typeof when === 'string' ? `if (${when}) w.structPresent(true)` : 'w.structPresent(true)')
    out.line(encode)
  })
}

function emitTagged(out: Emitter, struct: Struct): void {
  const tagged = struct.fields
    .filter((field) => field.tag !== null)
    .sort((a, b) => (a.tag as number) - (b.tag as number))
  const flexibility = flexibilityOf(struct)
  if (flexibility === 'never') return
  if (tagged.length === 0) {
    out.line(flexibility === 'varies' ? 'if (flex) w.uvarint(0)' : 'w.uvarint(0)')
    return
  }
  const section = () => {
    for (const field of tagged) {
      const present = condition(field.versions, struct.scope)
      const differs = differsFromDefault(field, `m.${field.prop}`)
      out.line(`const has_${field.prop} = ${present === null ? differs : `${present} && ${differs}`}`)
    }
    out.line(`w.uvarint(${tagged.map((field) => `(has_${field.prop} ? 1 : 0)`).join(' + ')})`)
    for (const field of tagged) out.block(`if (has_${field.prop})`, () => emitTaggedField(out, field, struct))
  }
  out.block(flexibility === 'varies' ? 'if (flex)' : null, section)
  for (const field of tagged) {
    const present = condition(field.versions, struct.scope)
    if (!struct.strict || field.ignorable || present === null) continue
    out.block(`if (!(${present}) && ${differsFromDefault(field, `m.${field.prop}`)})`, () =>
      out.line(`throw unsupportedField('${struct.name}.${field.prop}', v)`),
    )
  }
}

function emitTaggedField(out: Emitter, field: Field, struct: Struct): void {
  const size = fixedSize(field)
  if (size !== null) {
    out.line(`w.uvarint(${field.tag})`)
    out.line(`w.uvarint(${size})`)
    out.line(`w.${field.primitive}(m.${field.prop} ?? ${defaultExpression(field)})`)
    return
  }
  out.line('const outer = w')
  out.block('', () => {
    out.line('const w = new Writer()')
    emitValue(out, field, struct)
    out.line(`outer.tagged(${field.tag}, w)`)
  })
}
