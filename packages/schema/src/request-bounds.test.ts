import { verifies } from '@berth/requirements'
import { Type, type TSchema } from '@sinclair/typebox'
import { describe, expect, it } from 'vitest'
import { api } from './api.ts'
import type { Api } from './endpoint.ts'
import { maxJsonBytes } from './rules/field-limits.ts'

/** Rules that bound a text by themselves. */
const BOUNDING_RULES = new Set(['email', 'username', 'workspace_name', 'template_name', 'template_display_name', 'lt=128', 'oneof'])
/** Formats whose texts have a limited length. */
const BOUNDING_FORMATS = new Set(['uuid', 'date-time'])

describe('everything that a client can send', () => {
  const parts = Object.entries(api as Api).flatMap(([noun, group]) =>
    Object.entries(group).flatMap(([operation, { query, body }]) =>
      Object.entries({ query, body }).flatMap(([part, schema]) =>
        schema === undefined ? [] : [{ name: `${noun}.${operation} ${part}`, schema }],
      ),
    ),
  )

  it.each(parts)('has bounds: $name', ({ schema }) => {
    verifies('limits:fields')
    expect(unbounded(schema, '')).toEqual([])
  })

  it('is checked by this test', () => {
    const text = Type.String()
    const all = Type.Object({
      text,
      list: Type.Array(text, { maxItems: 1 }),
      open: Type.Optional(Type.Union([Type.Array(Type.Boolean()), Type.Null()])),
      map: Type.Record(Type.String({ pattern: '.' }), Type.Integer({ minimum: 0 })),
      id: Type.String({ format: 'uuid' }),
      short: Type.String({ maxLength: 1 }),
    })
    expect(unbounded(all, '')).toEqual(['.text', '.list[]', '.open', '.map', '.map{}'])
    expect(parts.length).toBeGreaterThan(40)
  })

  it('fits in its body: only an endpoint that says so reads more than the default', () => {
    const larger = Object.entries(api as Api).flatMap(([noun, group]) =>
      Object.entries(group).flatMap(([operation, spec]) => ((spec.maxBodyBytes ?? 0) > maxJsonBytes ? [`${noun}.${operation}`] : [])),
    )
    const withParameters = ['builds.create', 'dryRuns.create', 'templateVersions.create', 'templates.create', 'workspaces.create']
    expect(larger.toSorted()).toEqual([...withParameters, 'files.upload'].toSorted())
  })
})

/** Lists the paths of fields that have no bound. */
function unbounded(schema: TSchema, path: string): string[] {
  if (schema['enum'] !== undefined || schema['const'] !== undefined) return []
  const options = schema['anyOf'] as TSchema[] | undefined
  if (options !== undefined) return options.flatMap((option) => unbounded(option, path))
  const missing = (...keywords: string[]): string[] => (keywords.every((keyword) => schema[keyword] !== undefined) ? [] : [path])
  switch (schema['type']) {
    case 'string':
      return isBoundedText(schema) ? [] : missing('maxLength')
    case 'integer':
    case 'number':
      return missing('minimum', 'maximum')
    case 'array':
      return [...missing('maxItems'), ...unbounded(schema['items'] as TSchema, `${path}[]`)]
    case 'object':
      return unboundedObject(schema, path, missing)
    default:
      // Without a type: any JSON, which only the body limits, and null.
      return []
  }
}

function unboundedObject(schema: TSchema, path: string, missing: (keyword: string) => string[]): string[] {
  const { properties, patternProperties = {} } = schema as {
    properties?: Record<string, TSchema>
    patternProperties?: Record<string, TSchema>
  }
  if (properties !== undefined) return Object.entries(properties).flatMap(([name, property]) => unbounded(property, `${path}.${name}`))
  return [...missing('maxProperties'), ...Object.values(patternProperties).flatMap((value) => unbounded(value, `${path}{}`))]
}

function isBoundedText({ format, rules = [] }: TSchema): boolean {
  return (format !== undefined && BOUNDING_FORMATS.has(format)) || rules.some((rule) => BOUNDING_RULES.has(rule))
}
