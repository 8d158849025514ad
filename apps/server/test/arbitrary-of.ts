import { NIL_UUID } from '@berth/schema/rules'
import type { TSchema } from '@sinclair/typebox'
import * as fc from 'fast-check'

const hardTexts = [
  '',
  ' ',
  '\0',
  '\u2028<&>',
  'a'.repeat(33),
  'a'.repeat(300),
  '💥',
  '\ud800',
  "'; drop table users; --",
  '%',
  '_',
  '-1',
  'null',
]
const hardNumbers = [0, -1, 1, 1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 9_223_372_036_854_775_000, -9_223_372_036_854_775_000, 1e300]
const hardTimes = ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '2030-01-02T03:04:05+14:00', '0000-01-01T00:00:00Z']

/** Any text, with a liking for those that break things. */
export const anyText = fc.oneof(
  fc.constantFrom(...hardTexts),
  fc.stringMatching(/^[a-zA-Z0-9]{1,12}$/),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

/** Values that mostly fit a schema, often at its limits. `ids` are IDs of existing resources. */
export function arbitraryOf(schema: TSchema, ids: readonly string[]): fc.Arbitrary<unknown> {
  if (schema['enum'] !== undefined) return fc.oneof({ arbitrary: fc.constantFrom(...(schema['enum'] as unknown[])), weight: 5 }, anyText)
  if (schema['anyOf'] !== undefined) return fc.oneof(...(schema['anyOf'] as TSchema[]).map((option) => arbitraryOf(option, ids)))
  switch (schema['type']) {
    case 'object':
      return objectOf(schema, ids)
    case 'array':
      return fc.array(arbitraryOf(schema['items'] as TSchema, ids), { maxLength: 3 })
    case 'integer':
      return fc.oneof(fc.constantFrom(...hardNumbers), fc.maxSafeInteger(), fc.integer({ min: 0, max: 100 }))
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textOf(schema, ids)
    default:
      return fc.jsonValue()
  }
}

function objectOf(schema: TSchema, ids: readonly string[]): fc.Arbitrary<unknown> {
  if (schema['properties'] === undefined) {
    const [values] = Object.values((schema['patternProperties'] ?? {}) as Record<string, TSchema>)
    const keys = schema['keyFormat'] === 'uuid' ? fc.oneof(fc.constantFrom(...ids), fc.uuid()) : anyText
    return fc.dictionary(keys, values === undefined ? fc.jsonValue() : arbitraryOf(values, ids), { maxKeys: 4 })
  }
  const fields = Object.entries(schema['properties'] as Record<string, TSchema>)
  return fc.record(Object.fromEntries(fields.map(([name, field]) => [name, arbitraryOf(field, ids)])), {
    requiredKeys: ((schema['required'] ?? []) as string[]).filter((name) => name in Object(schema['properties'])),
  })
}

function textOf(schema: TSchema, ids: readonly string[]): fc.Arbitrary<unknown> {
  switch (schema['format']) {
    case 'uuid':
      return fc.oneof({ arbitrary: fc.constantFrom(...ids, NIL_UUID), weight: 3 }, fc.uuid())
    case 'date-time':
      return fc.oneof(
        fc.constantFrom(...hardTimes),
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }).map((date) => date.toISOString()),
      )
    case 'byte':
      return fc.base64String({ maxLength: 200 })
    default:
      return fc.oneof(anyText, fc.constantFrom('someone@example.com', 'CRON_TZ=UTC 30 9 * * 1-5'))
  }
}
