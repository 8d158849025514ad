import type { TSchema } from '@sinclair/typebox'
import { isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml'
import { nearest } from './nearest.ts'
import { quote } from './quote.ts'

export interface ReadContext {
  /** Reports a problem at a node of the file. */
  readonly problem: (node: Node | null | undefined, message: string) => void
  /** Collects a text whose references are filled in later. */
  readonly filledText: (node: Scalar, text: string) => void
  /** Returns a better message for an unknown key than the list of known ones, if there is one. */
  readonly explainKey?: (key: string) => string | undefined
}

/** A node, its name in messages, and the schema that it must match. */
interface Subject {
  readonly node: Node | null | undefined
  readonly name: string
  readonly schema: TSchema
}

/**
 * Returns a YAML node as plain values, checked against a schema. Mismatches are reported as
 * problems and left out, so that one pass finds them all. Supports the kinds of schema that
 * `TemplateFile` uses. Where references are filled in, a scalar of any type is read as the text in
 * the file.
 */
export function readNode(subject: Subject, context: ReadContext): unknown {
  const { schema, node, name } = subject
  if (isScalar(node) && node.value === null && schema['type'] !== 'object') {
    context.problem(node, `${quote(name)} is empty; give it a value or remove it`)
    return undefined
  }
  if (Array.isArray(schema['anyOf'])) return readUnion(subject, context)
  if (schema['type'] === 'object') return readObject(subject, context)
  if (schema['type'] === 'array') return readArray(subject, context)
  return readScalar(subject, context)
}

function readObject({ node, name, schema }: Subject, context: ReadContext): unknown {
  const known: Record<string, TSchema> = schema['properties'] ?? {}
  const required: readonly string[] = schema['required'] ?? []
  if (isScalar(node) && node.value === null && required.length === 0) return {}
  if (!isMap(node)) {
    context.problem(node, `${quote(name)} is ${kindOf(node)}; it must be a map of keys and values`)
    return undefined
  }
  const values: [string, unknown][] = []
  for (const { keyNode, key, value } of pairs(node, context)) {
    const keySchema = Object.hasOwn(known, key) ? known[key] : patternSchema(schema, key)
    if (keySchema === undefined) context.problem(keyNode, unknownKey(key, schema, context))
    else {
      const read = readNode({ node: value, name: key, schema: keySchema }, context)
      if (read !== undefined) values.push([key, read])
    }
  }
  for (const key of required) if (!node.has(key)) context.problem(node, `${quote(key)} is missing from ${quote(name)}; add it`)
  return Object.fromEntries(values)
}

function pairs(map: YAMLMap, context: ReadContext): { keyNode: Scalar; key: string; value: Node | null }[] {
  return map.items.flatMap(({ key, value }) => {
    if (isScalar(key)) return [{ keyNode: key, key: textOf(key), value: value as Node | null }] // parsed documents hold only nodes
    context.problem(map, 'a key must be plain text')
    return []
  })
}

function patternSchema(schema: TSchema, key: string): TSchema | undefined {
  const patterns: Record<string, TSchema> = schema['patternProperties'] ?? {}
  return Object.entries(patterns).find(([pattern]) => new RegExp(pattern, 'u').test(key))?.[1]
}

function unknownKey(key: string, schema: TSchema, context: ReadContext): string {
  const [pattern] = Object.keys(schema['patternProperties'] ?? {})
  if (pattern !== undefined) return `${quote(key)} isn't a valid name here; it must match ${pattern}`
  const explained = context.explainKey?.(key)
  if (explained !== undefined) return explained
  const known = Object.keys(schema['properties'] ?? {})
  if (known.length === 0) return `unknown key ${quote(key)}; nothing can be set here, remove it`
  const meant = nearest(key, known)
  return `unknown key ${quote(key)}; ${meant === undefined ? `the known keys are: ${known.join(', ')}` : `did you mean ${quote(meant)}?`}`
}

function readArray({ node, name, schema }: Subject, context: ReadContext): unknown {
  if (!isSeq(node)) {
    context.problem(node, `${quote(name)} is ${kindOf(node)}; it must be a list`)
    return undefined
  }

  // Keywords of an array schema.
  const { minItems = 0, maxItems = Infinity, items } = schema as { minItems?: number; maxItems?: number; items?: TSchema }
  if (node.items.length < minItems) context.problem(node, `${quote(name)} needs ${minItems} or more entries`)
  if (node.items.length > maxItems)
    context.problem(node, `${quote(name)} has ${node.items.length} entries; at most ${maxItems} are allowed`)
  const entries = node.items.slice(0, Math.min(node.items.length, maxItems)) as Node[] // parsed documents hold only nodes
  return items === undefined ? [] : entries.map((item) => readNode({ node: item, name: `an entry of ${name}`, schema: items }, context))
}

function readUnion({ node, name, schema }: Subject, context: ReadContext): unknown {
  const choices = schema['anyOf'] as readonly TSchema[] // checked by the caller
  const asMap = isMap(node) ? choices.find((choice) => choice['type'] === 'object') : undefined
  if (asMap !== undefined) return readObject({ node, name, schema: asMap }, context)
  const words = choices.map((choice): unknown => choice['const'])
  if (!isScalar(node)) {
    const orMap = choices.some((choice) => choice['type'] === 'object') ? ' or a map of keys and values' : ''
    context.problem(node, `${quote(name)} is ${kindOf(node)}; it must be a single value${orMap}`)
    return undefined
  }
  if (words.includes(undefined)) {
    if (schema['x-filled'] !== true) return node.value
    context.filledText(node, textOf(node))
    return textOf(node)
  }
  if (words.includes(node.value)) return node.value
  context.problem(node, `${quote(name)} is ${quote(textOf(node))}; it must be one of: ${words.join(', ')}`)
  return undefined
}

function readScalar({ node, name, schema }: Subject, context: ReadContext): unknown {
  const mismatch = isScalar(node) ? scalarMismatch(node, schema) : `it must be ${wanted(schema)}`
  if (mismatch !== undefined) {
    context.problem(node, `${quote(name)} is ${kindOf(node)}; ${mismatch}`)
    return undefined
  }
  if (!isScalar(node)) return undefined
  if (schema['x-filled'] === true) context.filledText(node, textOf(node))
  return node.value
}

function scalarMismatch(node: Scalar, schema: TSchema): string | undefined {
  const { value } = node
  // Keywords of a scalar schema.
  const { minLength = 0, maxLength = Infinity, minimum = -Infinity, maximum = Infinity, pattern, type } = schema as Limits
  if (type === 'boolean') return typeof value === 'boolean' ? undefined : 'it must be true or false'
  if (type === 'string') {
    if (typeof value !== 'string') return `it must be text, so write it with quotes: ${quote(textOf(node))}`
    if (value.length < minLength) return 'it must not be empty'
    if (value.length > maxLength) return `it must not be longer than ${maxLength} characters`
    return pattern === undefined || new RegExp(pattern, 'u').test(value) ? undefined : `it must match ${pattern}`
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value)))
    return `it must be ${wanted(schema)}`
  return value < minimum || value > maximum ? `it must be between ${minimum} and ${maximum}` : undefined
}

interface Limits {
  readonly type?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
}

function wanted(schema: TSchema): string {
  const words: Record<string, string> = { string: 'text', boolean: 'true or false', integer: 'a whole number', number: 'a number' }
  return words[String(schema['type'])] ?? 'a single value'
}

/** Returns a scalar as written in the file, without quotes. */
function textOf(node: Scalar): string {
  if (typeof node.value === 'string') return node.value
  return node.source ?? String(node.value)
}

function kindOf(node: Node | null | undefined): string {
  if (isMap(node)) return 'a map'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node) || node.value === null) return 'empty'
  const text = textOf(node)
  return quote(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
