import { maxNameLength, namePattern } from '../rules/names.ts'
import type { ValidationRule } from '../wire.ts'
import type { PlainSchema } from './example-of.ts'

/** The keywords that say in JSON Schema what a rule asks of a text. */
const keywordsOfRules: Readonly<Partial<Record<ValidationRule, PlainSchema>>> = {
  required: { minLength: 1 },
  email: { format: 'email' },
  username: { pattern: namePattern, maxLength: maxNameLength },
  workspace_name: { pattern: namePattern, maxLength: maxNameLength },
  template_name: { pattern: namePattern, maxLength: maxNameLength },
  'lt=128': { maxLength: 127 },
}

/**
 * Returns an object of a request body as the wire takes it: each field with the keywords of its
 * rules, and each one that may be left out also null, which means the same.
 */
export function asRequest(schema: PlainSchema): PlainSchema {
  if (schema.properties === undefined) return schema
  const required = new Set(schema.required)
  const fields = Object.entries(schema.properties).map(([name, field]) => [
    name,
    required.has(name) ? withRules(field) : orNull(orEmpty(withRules(field))),
  ])
  return { ...schema, properties: Object.fromEntries(fields) }
}

function withRules(field: PlainSchema): PlainSchema {
  // The format of other texts says what a text that is there looks like.
  if (field.type !== 'string' || field.format !== undefined) return field
  return Object.assign({}, ...(field.rules ?? []).map((rule) => keywordsOfRules[rule]), field)
}

/** An empty text counts as absent, so the pattern of a field that may be absent allows it. */
function orEmpty(field: PlainSchema): PlainSchema {
  return field.pattern === namePattern ? { ...field, pattern: `^$|${namePattern}` } : field
}

function orNull(field: PlainSchema): PlainSchema {
  const { description, default: fallback, ...rest } = field
  if (field.anyOf?.some(({ type }) => type === 'null') === true) return field
  const notes = { ...(description !== undefined && { description }), ...(fallback !== undefined && { default: fallback }) }
  return { anyOf: [rest, { type: 'null' }], ...notes }
}
