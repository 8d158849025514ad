import { verifies } from '@berth/requirements'
import { describe, expect, test } from 'vitest'
import type { TemplateParameter } from '@berth/schema'
import { parameterSchemas } from './parameter-schemas.ts'
import { resolveParameters } from './parameter-values.ts'

async function resolve(parameter: Omit<TemplateParameter, 'name'>, value?: string): Promise<string | undefined> {
  return (await resolveParameters([{ name: 'p', ...parameter }], value === undefined ? [] : [{ name: 'p', value }])).get('p')
}

test.each([
  [{ type: 'number' }, '3'],
  [{ type: 'number' }, '-1.5e3'],
  [{ type: 'bool' }, 'false'],
  [{}, ''],
  [{ options: [{ name: 'A', value: 'a' }] }, 'a'],
  [{ type: 'number', options: [{ name: 'A', value: 1 }] }, '1'],
  [{ options: ['us', 'eu'] }, 'eu'],
  [{ type: 'number', options: [1, { name: 'Two', value: 2 }] }, '1'],
  [{ type: 'bool', options: [true] }, 'true'],
  [{ type: 'number', validation: { min: 1, max: 3 } }, '3'],
  [{ validation: { regex: '^a+$' } }, 'aa'],
] as const)('%j accepts %j', async (parameter, value) => {
  expect(await resolve(parameter as Omit<TemplateParameter, 'name'>, value)).toBe(value) // the table is read-only, the schema's type is not
})

test.each([
  [{ type: 'number' }, 'abc', 'parameter "p" is "abc"; it must be a number'],
  [{ type: 'number' }, '', 'it must be a number'],
  [{ type: 'number' }, '0x10', 'it must be a number'],
  [{ type: 'number' }, 'Infinity', 'it must be a number'],
  [{ type: 'bool' }, 'yes', 'parameter "p" is "yes"; it must be true or false'],
  [{ options: [{ name: 'A', value: 'a' }] }, 'b', 'it must be one of: a'],
  [{ options: ['us', 'eu'] }, 'de', 'it must be one of: us, eu'],
  [{ type: 'number', validation: { min: 1 } }, '0', 'it must be 1 or more'],
  [{ type: 'number', validation: { max: 3, error: 'too big' } }, '4', 'parameter "p" is "4"; too big'],
  [{ validation: { regex: '^a+$' } }, 'b', 'it must match ^a+$'],
  [{ sensitive: true, type: 'number' }, 'hunter2', 'parameter "p" is a hidden value; it must be a number'],
  [{}, 'x'.repeat(70_000), 'is longer than 65536 characters'],
] as const)('%j refuses %j', async (parameter, value, message) => {
  await expect(resolve(parameter as Omit<TemplateParameter, 'name'>, value)).rejects.toThrow(message)
})

describe('a regular expression', () => {
  test('takes time linear in the value, however it is written', async () => {
    verifies('berth:templates:linear-regex')
    // Engines that try one way after the other need longer than the universe exists for these.
    expect(await resolve({ validation: { regex: '^(a+)+$' } }, 'a'.repeat(60_000))).toBeDefined()
    for (const regex of ['^(a+)+$', '^(a|aa)+$', '^(a*)*b$', '^([a-z]+)*[0-9]$'])
      await expect(resolve({ validation: { regex } }, `${'a'.repeat(30_000)}!`)).rejects.toThrow('it must match')
  })

  test('refuses a value whose test would be too much work', async () => {
    verifies('berth:templates:linear-regex')
    const regex = '^[a-z]{1,255}(-[a-z]{1,200})?$'
    expect(await resolve({ validation: { regex } }, 'a'.repeat(255))).toBeDefined()
    await expect(resolve({ validation: { regex } }, 'a'.repeat(5_000))).rejects.toThrow(
      /^parameter "p" is longer than 1\d\d\d characters, the most that its regular expression is tested on$/,
    )
  })
})

test('a missing value is the default, or an error if there is none', async () => {
  expect(await resolve({ default: 'x' })).toBe('x')
  expect(await resolve({ type: 'number', default: 3 })).toBe('3')
  await expect(resolve({})).rejects.toThrow('parameter "p" has no value; give it one')
})

test('every invalid parameter is named, and unknown names are ignored', async () => {
  const parameters: TemplateParameter[] = [
    { name: 'a', type: 'number' },
    { name: 'b', type: 'bool' },
  ]
  const given = [
    { name: 'a', value: 'x' },
    { name: 'b', value: 'y' },
    { name: 'other', value: 'z' },
  ]
  await expect(resolveParameters(parameters, given)).rejects.toThrow(/"a".*\n.*"b"/)
})

test('a parameter schema has what existing clients show', () => {
  const [plain, choice] = parameterSchemas([
    { name: 'size', type: 'number', default: 3, description: 'How big', sensitive: true, validation: { error: 'no' } },
    {
      name: 'region',
      options: [
        { name: 'Europe', value: 'eu "${x}" %{y}' },
        { name: 'America', value: 'us' },
      ],
    },
  ])
  expect(plain).toEqual({
    name: 'size',
    description: 'How big',
    default_source_scheme: 'data',
    default_source_value: '3',
    allow_override_source: true,
    default_destination_scheme: 'provisioner_variable',
    allow_override_destination: false,
    redisplay_value: false,
    validation_type_system: 'none',
    validation_value_type: 'number',
    validation_error: 'no',
    validation_condition: '',
  })
  expect(choice).toMatchObject({
    default_source_scheme: 'none',
    redisplay_value: true,
    validation_type_system: 'hcl',
    validation_value_type: 'string',
    validation_condition: 'contains(["eu \\"$${x}\\" %%{y}", "us"], var.region)',
  })
})

test('a condition that is too long to store is left out', () => {
  const options = Array.from({ length: 60 }, (_, index) => ({ name: `${index}`, value: `value-${index}` }))
  expect(parameterSchemas([{ name: 'p', options }])[0]).toMatchObject({ validation_type_system: 'none', validation_condition: '' })
})

test('only an immutable parameter says so', () => {
  const [fixed, free, silent] = parameterSchemas([{ name: 'fixed', mutable: false }, { name: 'free', mutable: true }, { name: 'silent' }])
  expect([fixed?.mutable, free?.mutable, silent?.mutable]).toEqual([false, undefined, undefined])
})
