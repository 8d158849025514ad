import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { CreateScopedParameterRequest } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMember, createTemplate, createVersion, createWorkspace, type Member } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

type Scope = 'template' | 'import_job' | 'workspace'

let server: TestServer
let member: Member
/** The scopes that have values: a template, its version's import job, and a member's workspace. */
let ids: Record<Scope, string>
beforeAll(async () => {
  server = await startTestServer()
  member = await createMember(server)
  const template = await createTemplate(server)
  const version = await server.client.templateVersions.get({ params: { templateversion: template.active_version_id } })
  const workspace = await createWorkspace(server, template, { client: member.client })
  ids = { template: template.id, import_job: version.job.id, workspace: workspace.id }
})
afterAll(async () => await server.stop())

const VALUE: CreateScopedParameterRequest = {
  name: 'zone',
  source_value: 'north',
  source_scheme: 'data',
  destination_scheme: 'environment_variable',
}

describe.each<Scope>(['template', 'import_job', 'workspace'])('values of the scope %s', (parameterscope) => {
  const params = (): { parameterscope: Scope; scoped: string } => ({ parameterscope, scoped: ids[parameterscope] })

  test('are listed, created once, and deleted; what they are is never shown', async () => {
    verifies('parameters:stored')
    const { client } = server
    expect(await client.parameters.list({ params: params() })).toEqual([])
    const created = await client.parameters.create({ params: params(), body: VALUE })
    const { source_value, ...shown } = VALUE
    expect(created).toMatchObject({ ...shown, scope: parameterscope, scope_id: ids[parameterscope] })
    expect(JSON.stringify(created)).not.toContain(source_value)
    await expect(client.parameters.create({ params: params(), body: VALUE })).rejects.toMatchObject({ status: 409 })
    expect(await client.parameters.list({ params: params() })).toEqual([created])
    const remove = async (): Promise<unknown> => await client.parameters.delete({ params: { ...params(), parametername: 'zone' } })
    await remove()
    await expect(remove()).rejects.toMatchObject({ status: 404 })
    expect(await client.parameters.list({ params: params() })).toEqual([])
  })

  test('are of something that exists, or it is 404', async () => {
    verifies('parameters:scoped-resource')
    const nowhere = { parameterscope, scoped: randomUUID() }
    await expect(server.client.parameters.list({ params: nowhere })).rejects.toMatchObject({ status: 404 })
    await expect(server.client.parameters.create({ params: nowhere, body: VALUE })).rejects.toMatchObject({ status: 404 })
  })
})

test('an unknown scope is 400 and named, and so is an id that is none, with what was sent', async () => {
  verifies('parameters:stored', 'parameters:spelling')
  const { token } = server.firstUser
  const scope = await rawRequest(server.url, `GET /parameters/something/${ids.template}`, { token })
  expect(scope).toMatchObject({ status: 400, json: { validations: [{ field: 'scope' }] } })
  const id = await rawRequest(server.url, 'POST /parameters/template/twelve', { token, body: VALUE })
  expect(id).toMatchObject({
    status: 400,
    json: { message: expect.stringContaining('twelve') as string, validations: [{ field: 'id' }] },
  })
})

test.each<[keyof CreateScopedParameterRequest, string]>([
  ['name', ''],
  ['source_value', ''],
  ['source_scheme', 'none'],
  ['destination_scheme', 'none'],
])('a value with the %s "%s" is 400', async (field, text) => {
  verifies('parameters:request')
  const { status, json } = await rawRequest(server.url, `POST /parameters/template/${ids.template}`, {
    token: server.firstUser.token,
    body: { ...VALUE, [field]: text },
  })
  expect([status, json]).toMatchObject([400, { validations: [{ field }] }])
})

test('an id to copy from is read like any, and changes nothing; one that is none is 400', async () => {
  verifies('parameters:copy-from')
  const { token } = server.firstUser
  const create = async (copy_from_parameter: string) =>
    await rawRequest(server.url, `POST /parameters/template/${ids.template}`, { token, body: { ...VALUE, copy_from_parameter } })
  expect(await create('twelve')).toMatchObject({ status: 400, json: { message: 'Request body must be valid JSON.' } })
  const params = { parameterscope: 'template', scoped: ids.template } as const
  for (const id of [NIL_UUID, randomUUID()]) {
    expect(await create(id)).toMatchObject({ status: 201, json: { name: 'zone' } })
    await server.client.parameters.delete({ params: { ...params, parametername: 'zone' } })
  }
})

test('a name has at most 64 characters', async () => {
  verifies('parameters:name-limit')
  const params = { parameterscope: 'template', scoped: ids.template } as const
  const create = async (name: string): Promise<unknown> => await server.client.parameters.create({ params, body: { ...VALUE, name } })
  await expect(create('💥'.repeat(65))).rejects.toMatchObject({ status: 400, validations: [{ field: 'name' }] })
  const name = '💥'.repeat(64)
  expect(await create(name)).toMatchObject({ name })
  await server.client.parameters.delete({ params: { ...params, parametername: name } })
})

test('reading a template is enough to list its values, changing them takes updating it; of a workspace its owner may do both', async () => {
  verifies('parameters:access')
  const of = (parameterscope: Scope): { parameterscope: Scope; scoped: string } => ({ parameterscope, scoped: ids[parameterscope] })
  for (const scope of ['template', 'import_job'] as const) {
    expect(await member.client.parameters.list({ params: of(scope) })).toEqual([])
    await expect(member.client.parameters.create({ params: of(scope), body: VALUE })).rejects.toMatchObject({ status: 404 })
  }
  await member.client.parameters.create({ params: of('workspace'), body: VALUE })
  expect(await member.client.parameters.list({ params: of('workspace') })).toHaveLength(1)
  const stranger = await createMember(server)
  await expect(stranger.client.parameters.list({ params: of('workspace') })).rejects.toMatchObject({ status: 404 })
  const { status } = await rawRequest(server.url, `POST /parameters/workspace/${ids.workspace}`, { token: stranger.token, body: 'none' })
  expect(status).toBe(404)
  const loose = await createVersion(server)
  const peeking = member.client.parameters.list({ params: { parameterscope: 'import_job', scoped: loose.job.id } })
  await expect(peeking).rejects.toMatchObject({ status: 404 })
  await member.client.parameters.delete({ params: { ...of('workspace'), parametername: 'zone' } })
})

test('a change is recorded with the name of the parameter and without its value', async () => {
  verifies('parameters:recorded')
  const template = await createTemplate(server)
  await server.client.parameters.create({ params: { parameterscope: 'template', scoped: template.id }, body: VALUE })
  const entries = await runSql(server, `select diff from audit_logs where resource_id = $1 and action = 'write'`, [template.id])
  expect(entries).toEqual([{ diff: { parameter: { old: '', new: 'zone', secret: false } } }])
})
