import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeParameters, type ParameterSchemaRow, type ParameterValueRow } from './compute-parameters.ts'

const TIME = '2026-01-02T03:04:05Z'

function schema(fields: Partial<ParameterSchemaRow> = {}): ParameterSchemaRow {
  return {
    id: 'schema',
    created_at: TIME,
    job_id: 'job',
    index: 0,
    name: 'region',
    description: '',
    default_source_scheme: 'none',
    default_source_value: '',
    allow_override_source: false,
    default_destination_scheme: 'none',
    allow_override_destination: false,
    default_refresh: '',
    redisplay_value: true,
    mutable: true,
    validation_error: '',
    validation_condition: '',
    validation_type_system: 'none',
    validation_value_type: '',
    ...fields,
  }
}

function value(scope: ParameterValueRow['scope'], source_value: string, name = 'region'): ParameterValueRow {
  return {
    id: `${scope}-${name}`,
    created_at: TIME,
    updated_at: TIME,
    scope,
    scope_id: scope,
    name,
    source_scheme: 'data',
    source_value,
    destination_scheme: 'provisioner_variable',
  }
}

const DEFAULT = { default_source_scheme: 'data', default_source_value: 'default' } as const
const OVERRIDABLE = { allow_override_source: true } as const
const [imported, ofTemplate, ofWorkspace] = [value('import_job', 'import'), value('template', 'template'), value('workspace', 'workspace')]

test.each<[string, Partial<ParameterSchemaRow>, ParameterValueRow[], string | undefined]>([
  ['no value', {}, [], undefined],
  ['a default', DEFAULT, [], 'default'],
  ['the value of the import', {}, [imported], 'import'],
  ['the import over the default', DEFAULT, [imported], 'import'],
  ['the template over the default', DEFAULT, [ofTemplate], 'template'],
  ['the template over the import, even if it may not be overridden', {}, [imported, ofTemplate], 'template'],
  ['the workspace if there is no other value', {}, [ofWorkspace], 'workspace'],
  ['the default over the workspace if it may not be overridden', DEFAULT, [ofWorkspace], 'default'],
  ['the import over the workspace if it may not be overridden', {}, [imported, ofWorkspace], 'import'],
  ['the template over the workspace if it may not be overridden', {}, [ofTemplate, ofWorkspace], 'template'],
  ['the workspace over the default if it may be overridden', { ...DEFAULT, ...OVERRIDABLE }, [ofWorkspace], 'workspace'],
  [
    'the workspace over all others if it may be overridden',
    { ...DEFAULT, ...OVERRIDABLE },
    [imported, ofTemplate, ofWorkspace],
    'workspace',
  ],
  ['no value of another name', OVERRIDABLE, [value('workspace', 'x', 'regions')], undefined],
])('%s', (_title, fields, values, expected) => {
  expect(computeParameters([schema(fields)], values).map(({ source_value }) => source_value)).toEqual(
    expected === undefined ? [] : [expected],
  )
})

test('a default belongs to the import, has the destination of the schema, and is marked as a default', () => {
  const [computed] = computeParameters([schema({ ...DEFAULT, default_destination_scheme: 'environment_variable' })], [])
  expect(computed).toMatchObject({
    scope: 'import_job',
    scope_id: 'job',
    schema_id: 'schema',
    destination_scheme: 'environment_variable',
    default_source_value: true,
  })
  expect(computeParameters([schema(DEFAULT)], [imported])[0]).toMatchObject({
    scope: 'import_job',
    schema_id: 'schema',
    default_source_value: false,
  })
})

test('a default gets a new ID each time', () => {
  const ids = [1, 2].flatMap(() => computeParameters([schema(DEFAULT)], []).map(({ id }) => id))
  expect(new Set([...ids, 'schema']).size).toBe(3)
})

test('an empty default is a value', () => {
  expect(computeParameters([schema({ default_source_scheme: 'data' })], [])).toMatchObject([{ source_value: '' }])
})

test('there is at most one value for each schema, in the order of the indexes, and no value of an unknown name', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const schemas = fc.uniqueArray(
    fc.record({ name: names, default_source_scheme: fc.constantFrom('none', 'data'), allow_override_source: fc.boolean() }),
    { selector: ({ name }) => name },
  )
  const values = fc.array(fc.tuple(fc.constantFrom('import_job', 'template', 'workspace'), names), { maxLength: 12 })
  fc.assert(
    fc.property(schemas, values, fc.infiniteStream(fc.nat()), (given, valued, random) => {
      const rows = given.map((fields, index) => schema({ ...fields, index }))
      const shuffled = rows.toSorted(() => ((random.next().value ?? 0) % 2 === 0 ? 1 : -1))
      const computed = computeParameters(
        shuffled,
        valued.map(([scope, name]) => value(scope, scope, name)),
      )
      const order = computed.map(({ name }) => rows.find((row) => row.name === name)?.index ?? -1)
      expect(order).toEqual([...new Set(order)].toSorted((a, b) => a - b))
      expect(order).not.toContain(-1)
      for (const row of rows)
        if (row.default_source_scheme === 'data' || valued.some(([, name]) => name === row.name)) expect(order).toContain(row.index)
    }),
  )
})
