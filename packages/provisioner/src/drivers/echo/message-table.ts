import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** The encoding of a protobuf field. The names of an enum are in the order of their numbers. */
export type Field =
  | { readonly no: number; readonly kind: 'string' | 'bool' | 'int32' | 'bytes'; readonly isOptional?: boolean }
  | { readonly no: number; readonly kind: 'stringMap' }
  | { readonly no: number; readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly no: number; readonly kind: 'message' | 'messages'; readonly table: MessageTable }

/** The fields of a protobuf message by their names in TypeScript. */
export type MessageTable = Readonly<Record<string, Field>>

/** A decoded message. */
export type Message = Readonly<Record<string, unknown>>

const mapEntry: MessageTable = { key: { no: 1, kind: 'string' }, value: { no: 2, kind: 'string' } }

/**
 * Decodes a message. Absent scalars, lists and maps get the defaults of proto3. Absent messages and
 * optional scalars stay absent. Unknown fields are skipped. Throws on malformed bytes.
 */
export function decodeMessage(table: MessageTable, bytes: Uint8Array): Message {
  const message: Record<string, unknown> = {}
  const fields = new Map<number, readonly [string, Field]>()
  for (const [name, field] of Object.entries(table)) {
    fields.set(field.no, [name, field])
    const initial = initialValue(field)
    if (initial !== undefined) message[name] = initial
  }
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag()
    const known = fields.get(no)
    if (known === undefined) {
      reader.skip(wireType, no)
      continue
    }
    const [name, field] = known
    if (wireType !== wireTypeOf(field)) throw new Error(`field ${no} (${name}) is not encoded as ${field.kind}`)
    message[name] = mergeValue(field, message[name], readValue(reader, field))
  }
  return message
}

/**
 * Encodes a message. Leaves out fields that are absent or not in the table. Encodes all others,
 * even if they have their default.
 */
export function encodeMessage(table: MessageTable, message: object): Uint8Array {
  const writer = new BinaryWriter()
  const values = new Map<string, unknown>(Object.entries(message))
  for (const [name, field] of Object.entries(table)) {
    for (const value of occurrences(field, values.get(name))) writeValue(writer.tag(field.no, wireTypeOf(field)), field, value)
  }
  return writer.finish()
}

function initialValue(field: Field): unknown {
  if ('isOptional' in field && field.isOptional) return undefined
  switch (field.kind) {
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int32':
      return 0
    case 'bytes':
      return new Uint8Array()
    case 'enum':
      return field.names[0]
    case 'messages':
      return []
    case 'stringMap':
      return {}
    default:
      return undefined
  }
}

function wireTypeOf(field: Field): WireType {
  return field.kind === 'bool' || field.kind === 'int32' || field.kind === 'enum' ? WireType.Varint : WireType.LengthDelimited
}

function readValue(reader: BinaryReader, field: Field): unknown {
  switch (field.kind) {
    case 'string':
      return reader.string()
    case 'bool':
      return reader.bool()
    case 'int32':
      return reader.int32()
    case 'bytes':
      return new Uint8Array(reader.bytes())
    case 'enum':
      return nameOf(field.names, reader.int32())
    case 'stringMap':
      return decodeMessage(mapEntry, reader.bytes())
    default:
      return decodeMessage(field.table, reader.bytes())
  }
}

function mergeValue(field: Field, before: unknown, value: unknown): unknown {
  if (field.kind === 'messages') return [...(Array.isArray(before) ? before : []), value]
  if (field.kind !== 'stringMap') return value
  const entry = value as { readonly key: string; readonly value: string } // decoded by the table of a map entry
  return Object.fromEntries([...Object.entries(Object(before)), [entry.key, entry.value]])
}

function occurrences(field: Field, value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (field.kind === 'messages') return Array.isArray(value) ? value : []
  if (field.kind === 'stringMap') return Object.entries(Object(value)).map(([key, text]) => ({ key, value: text }))
  return [value]
}

function writeValue(writer: BinaryWriter, field: Field, value: unknown): BinaryWriter {
  switch (field.kind) {
    case 'string':
      return writer.string(String(value))
    case 'bool':
      return writer.bool(value === true)
    case 'int32':
      return writer.int32(Number(value))
    case 'bytes':
      return writer.bytes(value instanceof Uint8Array ? value : new Uint8Array())
    case 'enum':
      return writer.int32(Math.max(0, field.names.indexOf(String(value))))
    case 'stringMap':
      return writer.bytes(encodeMessage(mapEntry, Object(value)))
    default:
      return writer.bytes(encodeMessage(field.table, Object(value)))
  }
}

function nameOf(names: readonly string[], number: number): string {
  const name = names[number]
  if (name === undefined) throw new Error(`the enum value ${number} is not between 0 and ${names.length - 1}`)
  return name
}
