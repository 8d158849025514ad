import { randomUUID } from 'node:crypto'
import { echoArchive, type EchoResponses } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import type { CreateParameterRequest } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTemplate, uniqueName } from './factories.ts'
import { createFrom, imported } from './import-archive.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { storedParameters } from './stored-parameters.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const TWO_PARAMETERS: EchoResponses = {
  parse: [
    {
      complete: {
        parameter_schemas: [
          { name: 'first', default_source_scheme: 'data', default_source_value: 'hello', redisplay_value: true },
          { name: 'second', default_source_scheme: 'data', default_source_value: 'world', redisplay_value: true },
        ],
      },
    },
  ],
}

test('a parameter without a value fails the import with its name, the first in the order of the schemas', async () => {
  verifies('versions:missing-parameter')
  const parse = [{ complete: { parameter_schemas: [{ name: 'zone' }, { name: 'area' }] } }]
  const version = await imported(server, echoArchive({ parse }))
  expect(version.job).toMatchObject({ status: 'failed', error: 'missing parameter: zone' })
})

test('a parameter that came with the version is not missing', async () => {
  const parse = [{ complete: { parameter_schemas: [{ name: 'zone', redisplay_value: true }] } }]
  const version = await imported(server, echoArchive({ parse }), {
    parameter_values: [{ name: 'zone', source_value: 'north', source_scheme: 'data', destination_scheme: 'environment_variable' }],
  })
  expect(version.job.status).toBe('succeeded')
  const [parameter] = await server.client.templateVersions.parameters({ params: { templateversion: version.id } })
  expect(parameter).toMatchObject({
    name: 'zone',
    source_value: 'north',
    scope: 'import_job',
    scope_id: version.job.id,
    default_source_value: false,
    destination_scheme: 'environment_variable',
  })
})

test('a value is copied from another version of the same template, secrets included, and from nowhere else', async () => {
  const archive = echoArchive({ parse: [{ complete: { parameter_schemas: [{ name: 'password' }] } }] })
  const secret = { name: 'password', source_value: 'hunter2', source_scheme: 'data', destination_scheme: 'environment_variable' } as const
  const first = await imported(server, archive, { parameter_values: [secret] })
  const [given] = await server.client.templateVersions.parameters({ params: { templateversion: first.id } })
  const copy = {
    name: '',
    source_value: '',
    source_scheme: 'none',
    destination_scheme: 'none',
    copy_from_parameter: given?.id ?? '',
  } as const
  const refusal = { status: 400, validations: [{ field: 'parameter_values[0].copy_from_parameter' }] }
  await expect(createFrom(server, archive, { parameter_values: [copy] })).rejects.toMatchObject(refusal)
  const foreign = await createTemplate(server)
  await expect(createFrom(server, archive, { parameter_values: [copy], template_id: foreign.id })).rejects.toMatchObject(refusal)
  const template = await server.client.templates.create({
    params: { organization: server.firstUser.organization_id },
    body: { name: uniqueName(), template_version_id: first.id },
  })
  const unknown = { ...copy, copy_from_parameter: randomUUID() }
  await expect(createFrom(server, archive, { parameter_values: [unknown], template_id: template.id })).rejects.toMatchObject(refusal)
  const second = await imported(server, archive, { parameter_values: [copy], template_id: template.id })
  expect(second.job.status).toBe('succeeded')
  expect(await storedParameters(server, second.job.id)).toEqual([{ name: 'password', source_value: 'hunter2' }])
  const parameters = await server.client.templateVersions.parameters({ params: { templateversion: second.id } })
  expect(parameters).toMatchObject([{ name: 'password', destination_scheme: 'environment_variable' }])
})

test.each(['template', 'version'])(
  'values that come with a %s need no name; long names, repeated ones and unknown schemes are named',
  async (kind) => {
    verifies('parameters:unvalidated', 'parameters:name-limit')
    const version = await imported(server, echoArchive())
    const params = { organization: server.firstUser.organization_id }
    const create = async (...parameter_values: CreateParameterRequest[]): Promise<unknown> =>
      kind === 'version'
        ? await createFrom(server, echoArchive(), { parameter_values })
        : await server.client.templates.create({
            params,
            body: { name: uniqueName(), template_version_id: version.id, parameter_values },
          })
    const value = { name: '', source_value: '', source_scheme: 'data', destination_scheme: 'environment_variable' } as const
    await create(value)
    await create({ ...value, name: '💥'.repeat(64) })
    for (const [field, values] of [
      ['parameter_values[0].name', [{ ...value, name: '💥'.repeat(65) }]],
      ['parameter_values[1].name', [value, value]],
      ['parameter_values[0].source_scheme', [{ ...value, source_scheme: '' as 'data' }]],
      ['parameter_values[0].destination_scheme', [{ ...value, destination_scheme: '' as 'none' }]],
    ] as const)
      await expect(create(...values), field).rejects.toMatchObject({ status: 400, validations: [{ field }] })
  },
)

test('a template that declares a parameter with a name above 64 characters fails with a reason', async () => {
  verifies('parameters:name-limit')
  const name = 'n'.repeat(65)
  const version = await imported(server, echoArchive({ parse: [{ complete: { parameter_schemas: [{ name }] } }] }))
  expect(version.job).toMatchObject({ status: 'failed', error: expect.stringContaining(`"${name}"`) as string })
})

test.each([
  ['name', { name: 'n'.repeat(64), type: 't'.repeat(192) }, { name: 'n'.repeat(65), type: 'thing' }, 'n'.repeat(65)],
  ['type', { name: 'box', type: 't'.repeat(192) }, { name: 'box', type: 't'.repeat(193) }, '"box"'],
])('a resource with a %s that is too long fails the import and is named', async (_what, fine, bad, named) => {
  verifies('versions:resource-limits')
  const importOf = async (resource: typeof fine) =>
    (await imported(server, echoArchive({ plan: [{ complete: { resources: [resource] } }] }))).job
  expect((await importOf(fine)).status).toBe('succeeded')
  expect(await importOf(bad)).toMatchObject({ status: 'failed', error: expect.stringContaining(named) as string })
})

test('a template that declares one parameter twice fails with a reason', async () => {
  const parse = [{ complete: { parameter_schemas: [{ name: 'zone' }, { name: 'zone' }] } }]
  const version = await imported(server, echoArchive({ parse }))
  expect(version.job).toMatchObject({ status: 'failed', error: 'update job: the parameter "zone" is declared twice' })
})

test('defaults are the values, in the order of the schemas', async () => {
  verifies('versions:parameters')
  const { id } = await imported(server, echoArchive(TWO_PARAMETERS))
  const parameters = await server.client.templateVersions.parameters({ params: { templateversion: id } })
  expect(parameters.map(({ name, source_value, default_source_value }) => [name, source_value, default_source_value])).toEqual([
    ['first', 'hello', true],
    ['second', 'world', true],
  ])
  verifies('versions:default-ids')
  for (const { id: valueId, schema_id } of parameters) expect(valueId).not.toBe(schema_id)
})

test('a schema with a condition lists the values it allows; a secret is not shown', async () => {
  verifies('versions:schema')
  const parse = [
    {
      complete: {
        parameter_schemas: [
          {
            name: 'example',
            default_source_scheme: 'data',
            default_source_value: 'first',
            redisplay_value: false,
            validation_type_system: 'hcl',
            validation_value_type: 'string',
            validation_condition: 'contains(["second", "first"], var.example)',
          },
        ],
      },
    },
  ] as const
  const { id: templateversion } = await imported(server, echoArchive({ parse }))
  const schemas = await server.client.templateVersions.schema({ params: { templateversion } })
  expect(schemas).toHaveLength(1)
  expect(schemas[0]).toMatchObject({ name: 'example', validation_contains: ['first', 'second'] })
  const [parameter] = await server.client.templateVersions.parameters({ params: { templateversion } })
  expect(parameter?.source_value).toBe('')
})

test('a schema whose condition lists nothing has no list', async () => {
  verifies('versions:schema-no-choice')
  const schema = {
    name: 'x',
    default_source_scheme: 'data',
    validation_type_system: 'hcl',
    validation_condition: 'contains([], var.x)',
  } as const
  const { id } = await imported(server, echoArchive({ parse: [{ complete: { parameter_schemas: [schema] } }] }))
  const [shown] = await server.client.templateVersions.schema({ params: { templateversion: id } })
  expect(shown).toMatchObject({ name: 'x' })
  expect(shown).not.toHaveProperty('validation_contains')
})
