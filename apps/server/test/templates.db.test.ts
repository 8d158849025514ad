import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded, uniqueName } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const inOrganization = (): { organization: string } => ({ organization: server.firstUser.organization_id })

test('the list is an array, empty at first, and holds what was created; two templates may share a version', async () => {
  verifies('templates:list')
  const lonely = await startTestServer()
  try {
    const params = { organization: lonely.firstUser.organization_id }
    expect(await lonely.client.templates.list({ params })).toEqual([])
    const { active_version_id, id } = await createTemplate(lonely)
    expect((await lonely.client.templates.list({ params })).map((template) => template.id)).toEqual([id])
    await lonely.client.templates.create({ params, body: { name: 'another', template_version_id: active_version_id } })
    expect(await lonely.client.templates.list({ params })).toHaveLength(2)
  } finally {
    await lonely.stop()
  }
})

test('a created template has the fields that were sent, in the answer, by id and by name', async () => {
  verifies('templates:create', 'templates:get', 'templates:by-name')
  const { id: template_version_id } = await createVersion(server)
  const name = uniqueName('template')
  const body = {
    name,
    template_version_id,
    display_name: 'For everybody',
    description: 'What it is for',
    icon: '/icon.svg',
    default_ttl_ms: 3_600_000,
    allow_user_cancel_workspace_jobs: true,
  }
  const created = await server.client.templates.create({ params: inOrganization(), body })
  const { template_version_id: active_version_id, ...shown } = body
  expect(created).toMatchObject({
    ...shown,
    active_version_id,
    organization_id: server.firstUser.organization_id,
    provisioner: 'echo',
    created_by_id: server.firstUser.user_id,
    created_by_name: 'testuser',
    workspace_owner_count: 0,
    active_user_count: -1,
    build_time_stats: { delete: { P50: null, P95: null }, start: { P50: null, P95: null }, stop: { P50: null, P95: null } },
  })
  expect(await server.client.templates.get({ params: { template: created.id } })).toEqual(created)
  expect(await server.client.templates.getByName({ params: { ...inOrganization(), templatename: name.toUpperCase() } })).toEqual(created)
})

test('what is left out has its default: no ttl, no canceling by members, no texts', async () => {
  const { id } = await createVersion(server)
  const created = await server.client.templates.create({ params: inOrganization(), body: { name: uniqueName(), template_version_id: id } })
  expect(created).toMatchObject({ display_name: '', description: '', icon: '', default_ttl_ms: 0, allow_user_cancel_workspace_jobs: false })
})

test('an unknown name is 404', async () => {
  verifies('templates:by-name')
  await expect(server.client.templates.getByName({ params: { ...inOrganization(), templatename: 'nobody' } })).rejects.toMatchObject({
    status: 404,
  })
})

test('a name in use is 409 in any case, and names the field', async () => {
  verifies('templates:create-taken')
  const { name, active_version_id } = await createTemplate(server)
  const creating = server.client.templates.create({
    params: inOrganization(),
    body: { name: name.toUpperCase(), template_version_id: active_version_id },
  })
  await expect(creating).rejects.toMatchObject({
    status: 409,
    validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
  })
})

test('of two that create the same name at once, one gets it and the other 409', async () => {
  const { id } = await createVersion(server)
  const body = { name: uniqueName(), template_version_id: id }
  const results = await Promise.allSettled(
    [1, 2, 3].map(async () => await server.client.templates.create({ params: inOrganization(), body })),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ status: 409 })
})

test('an unknown version is 404 and names the field', async () => {
  verifies('templates:create-unknown-version')
  const creating = server.client.templates.create({
    params: inOrganization(),
    body: { name: uniqueName(), template_version_id: randomUUID() },
  })
  await expect(creating).rejects.toMatchObject({ status: 404, validations: [{ field: 'template_version_id' }] })
})

test('without a session creating is 401', async () => {
  verifies('templates:create-signed-out')
  const creating = server.clientFor().templates.create({ params: inOrganization(), body: { name: 'x', template_version_id: randomUUID() } })
  await expect(creating).rejects.toMatchObject({ status: 401 })
})

test('a plain member gets 404 before the body is looked at, and nothing of another organization', async () => {
  const { token } = await createMember(server)
  const answer = await fetch(`${server.url}/api/v2/organizations/${server.firstUser.organization_id}/templates`, {
    method: 'POST',
    headers: { 'Coder-Session-Token': token },
    body: 'no json at all',
  })
  expect(answer.status).toBe(404)
})

test('a negative default_ttl_ms is 400, 0 is stored', async () => {
  verifies('templates:ttl-on-create')
  const { id } = await createVersion(server)
  const create = async (default_ttl_ms: number) =>
    await server.client.templates.create({
      params: inOrganization(),
      body: { name: uniqueName(), template_version_id: id, default_ttl_ms },
    })
  const refusal = {
    status: 400,
    message: 'Invalid create template request.',
    validations: [{ field: 'default_ttl_ms', detail: 'Must be a positive integer.' }],
  }
  await expect(create(-1)).rejects.toMatchObject(refusal)
  await expect(create(-(2 ** 52))).rejects.toMatchObject(refusal)
  expect((await create(0)).default_ttl_ms).toBe(0)
})

test.each([
  ['a name with a space', { name: 'no good' }, 'name'],
  ['a display name with a blank at its end', { name: 'good', display_name: 'bad ' }, 'display_name'],
  ['a description of 128 characters', { name: 'good', description: 'x'.repeat(128) }, 'description'],
  ['an icon of 257 characters', { name: 'good', icon: '/'.repeat(257) }, 'icon'],
])('%s is 400 with a validation on the field', async (_what, fields, field) => {
  const creating = server.client.templates.create({ params: inOrganization(), body: { template_version_id: randomUUID(), ...fields } })
  await expect(creating).rejects.toMatchObject({ status: 400, validations: [{ field }] })
})

test('an empty name is missing, and not a bad one', async () => {
  verifies('templates:name-required')
  const creating = server.client.templates.create({ params: inOrganization(), body: { template_version_id: randomUUID(), name: '' } })
  const detail = 'Validation failed for tag "required" with value: ""'
  await expect(creating).rejects.toMatchObject({ status: 400, validations: [{ field: 'name', detail }] })
})

test('a member sees templates of the organization, by every way', async () => {
  const template = await createTemplate(server)
  const { client } = await createMember(server)
  expect(await client.templates.get({ params: { template: template.id } })).toEqual(template)
  expect((await client.templates.list({ params: inOrganization() })).map(({ id }) => id)).toContain(template.id)
})

test('a template counts the owners of its workspaces that are not deleted', async () => {
  verifies('templates:owner-count')
  const template = await createTemplate(server)
  const members = await Promise.all([createMember(server), createMember(server)])
  await createWorkspace(server, template)
  await createWorkspace(server, template)
  for (const { client } of members) await createWorkspace(server, template, { client })
  const count = async (): Promise<number> =>
    (await server.client.templates.get({ params: { template: template.id } })).workspace_owner_count
  expect(await count()).toBe(3)
  const [leaving] = members
  const [workspace] = (await leaving.client.workspaces.list()).workspaces
  await buildEnded(server.client, workspace?.latest_build.id ?? '')
  await build(leaving.client, workspace?.id ?? '', 'delete')
  expect(await count()).toBe(2)
})

test('a template without workspaces is deleted and its name free again; one with a workspace is 412', async () => {
  verifies('templates:delete')
  const template = await createTemplate(server)
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  const deleting = async (): Promise<unknown> => await server.client.templates.delete({ params: { template: template.id } })
  await expect(deleting()).rejects.toMatchObject({ status: 412 })
  await build(server.client, workspace.id, 'delete')
  await deleting()
  await expect(server.client.templates.get({ params: { template: template.id } })).rejects.toMatchObject({ status: 404 })
  await expect(deleting()).rejects.toMatchObject({ status: 404 })
  expect((await server.client.templates.list({ params: inOrganization() })).map(({ id }) => id)).not.toContain(template.id)
  const body = { name: template.name, template_version_id: template.active_version_id }
  expect((await server.client.templates.create({ params: inOrganization(), body })).name).toBe(template.name)
})

test('a member can neither delete a template nor change its version', async () => {
  const template = await createTemplate(server)
  const { client } = await createMember(server)
  await expect(client.templates.delete({ params: { template: template.id } })).rejects.toMatchObject({ status: 404 })
  const promoting = client.templates.updateActiveVersion({ params: { template: template.id }, body: { id: template.active_version_id } })
  await expect(promoting).rejects.toMatchObject({ status: 404 })
})

test('a version of the template becomes active and its workspaces outdated; an unknown one is 404, a foreign one 400', async () => {
  verifies('versions:promote')
  const template = await createTemplate(server)
  const workspace = await createWorkspace(server, template)
  const promote = async (id: string): Promise<unknown> =>
    await server.client.templates.updateActiveVersion({ params: { template: template.id }, body: { id } })
  await expect(promote(randomUUID())).rejects.toMatchObject({ status: 404 })
  const [unattached, foreign] = [await createVersion(server), await createTemplate(server)]
  await expect(promote(unattached.id)).rejects.toMatchObject({ status: 400 })
  await expect(promote(foreign.active_version_id)).rejects.toMatchObject({ status: 400 })
  const next = await createVersion(server, {}, template.id)
  await importEnded(server.client, next.id)
  await promote(next.id)
  const promoted = await server.client.templates.get({ params: { template: template.id } })
  expect(promoted.active_version_id).toBe(next.id)
  expect(Date.parse(promoted.updated_at)).toBeGreaterThan(Date.parse(template.updated_at))
  expect((await server.client.workspaces.get({ params: { workspace: workspace.id } })).outdated).toBe(true)
})

test('parameter values that come with a template are its own: they reach its builds, and those of no other', async () => {
  const schema = {
    name: 'echo.exec',
    default_source_scheme: 'data',
    default_source_value: 'success=',
    allow_override_source: true,
  } as const
  const templates = []
  for (const source_value of ['error=north', 'error=south']) {
    const version = await createVersion(server, { parse: [{ complete: { parameter_schemas: [schema] } }] })
    await importEnded(server.client, version.id)
    const value = { name: 'echo.exec', source_value, source_scheme: 'data', destination_scheme: 'provisioner_variable' } as const
    const body = { name: uniqueName(), template_version_id: version.id, parameter_values: [value] }
    templates.push(await server.client.templates.create({ params: inOrganization(), body }))
  }
  const errors = []
  for (const template of templates) {
    const workspace = await createWorkspace(server, template)
    errors.push((await buildEnded(server.client, workspace.latest_build.id)).job.error)
  }
  expect(errors).toEqual(['north', 'south'].map((place) => `recv workspace provision: returning error: ${place}`))
})
