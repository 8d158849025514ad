import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Computation, ParameterSchemaRow } from './compute-parameters.ts'
import { presentComputation, presentParameterSchema } from './present.ts'

const TIME = '2026-01-02T03:04:05Z'

const SECRET: Computation = {
  id: 'id',
  created_at: TIME,
  updated_at: TIME,
  scope: 'workspace',
  scope_id: 'workspace',
  name: 'password',
  source_scheme: 'data',
  source_value: 'hunter2',
  destination_scheme: 'environment_variable',
  schema_id: 'schema',
  default_source_value: false,
  redisplay_value: false,
}

function schemaWith(validation_condition: string): ParameterSchemaRow {
  return {
    id: 'schema',
    created_at: TIME,
    job_id: 'job',
    index: 3,
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
    validation_condition,
    validation_type_system: 'hcl',
    validation_value_type: 'string',
  }
}

test('a hidden value is empty, and the flag is left out', () => {
  const { redisplay_value: _flag, ...shown } = SECRET
  expect(presentComputation(SECRET)).toEqual({ ...shown, source_value: '' })
  expect(presentComputation({ ...SECRET, redisplay_value: true })).toEqual(shown)
})

test.each([
  ['contains(["first","second"], var.example)', ['first', 'second']],
  [' contains( [ "b" , "a" , ] , var.x ) ', ['a', 'b']],
  ['contains([], var.x)', undefined],
  ['contains(["with, comma", "quo\\"te"], var.x)', ['quo"te', 'with, comma']],
  ['', undefined],
  ['length(var.x) > 3', undefined],
  ['contains([1, 2], var.x)', undefined],
  ['contains(["a"], var.x) || contains(["b"], var.x)', undefined],
  ['!contains(["a"], var.x)', undefined],
  ['contains(["a" "b"], var.x)', undefined],
  ['contains(["\\d"], var.x)', undefined],
])('the condition %s has the choices %j', (validation_condition, choices) => {
  expect(presentParameterSchema(schemaWith(validation_condition)).validation_contains).toEqual(choices)
})

test('any condition is read quickly, even a hostile one', () => {
  for (const part of ['"a" ', '"a",', ' ', '"', '\\"', '"a" , ', '[', '],'])
    for (const begin of ['contains([', 'contains(["a"', 'contains(["a"],', ''])
      expect(presentParameterSchema(schemaWith(`${begin}${part.repeat(20_000)}`)).validation_contains).toBeUndefined()
  fc.assert(fc.property(fc.string(), (text) => void presentParameterSchema(schemaWith(`contains(["${text}"], var.x)`))))
})
