import { verifies } from '@berth/requirements'
import type { Template, UpdateTemplateMeta } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const read = async ({ id }: Template): Promise<Template> => await server.client.templates.get({ params: { template: id } })
const update = async ({ id }: Template, body: UpdateTemplateMeta): Promise<Template> =>
  await server.client.templates.update({ params: { template: id }, body })

test('all fields of a template are changed at once, and the change is recorded', async () => {
  verifies('templates:update')
  const template = await createTemplate(server)
  const body = {
    name: uniqueName(),
    display_name: 'New Name',
    description: 'Does something else',
    icon: '/icons/new.png',
    default_ttl_ms: 43_200_000,
    allow_user_cancel_workspace_jobs: true,
  }
  const changed = await update(template, body)
  expect(changed).toMatchObject({ ...body, id: template.id, active_version_id: template.active_version_id })
  expect(Date.parse(changed.updated_at)).toBeGreaterThan(Date.parse(template.updated_at))
  expect(await read(template)).toEqual(changed)
  const entries = await runSql(server, `select diff from audit_logs where resource_id = $1 and action = 'write'`, [template.id])
  expect(entries).toMatchObject([{ diff: { name: { old: template.name, new: body.name }, default_ttl_ms: { old: 0, new: 43_200_000 } } }])
})

test('what is left out is cleared, except for name and description', async () => {
  verifies('templates:update-icon', 'templates:update-omitted')
  const template = await createTemplate(server, {}, { icon: '/icon.png', display_name: 'Shown', allow_user_cancel_workspace_jobs: true })
  await update(template, { ...metaOf(template), description: 'Stays' })
  expect(await update(template, { icon: '' })).toMatchObject({
    name: template.name,
    description: 'Stays',
    display_name: '',
    icon: '',
    default_ttl_ms: 0,
    allow_user_cancel_workspace_jobs: false,
  })
})

test('default_ttl_ms is set to 0', async () => {
  verifies('templates:update-ttl')
  const template = await createTemplate(server, {}, { default_ttl_ms: 86_400_000 })
  const changed = await update(template, { default_ttl_ms: 0 })
  expect(changed.default_ttl_ms).toBe(0)
  expect(Date.parse(changed.updated_at)).toBeGreaterThan(Date.parse(template.updated_at))
})

test.each([-1, -(2 ** 52)])('a default_ttl_ms of %d is one validation and changes nothing', async (default_ttl_ms) => {
  verifies('templates:update-ttl', 'templates:update-huge-ttl')
  const template = await createTemplate(server, {}, { default_ttl_ms: 3_600_000 })
  await expect(update(template, { name: uniqueName(), default_ttl_ms })).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('Invalid request') as string,
    validations: [{ field: 'default_ttl_ms', detail: 'Must be a positive integer.' }],
  })
  expect(await read(template)).toEqual(template)
})

test('an update that changes nothing is 304 without a body', async () => {
  verifies('templates:update-same')
  const template = await createTemplate(server, {}, { icon: '/icon.png' })
  await update(template, { ...metaOf(template), description: 'Something' })
  const described = await read(template)
  await expect(update(template, metaOf(described))).rejects.toMatchObject({ status: 304 })
  const answer = await rawRequest(server.url, `PATCH /templates/${template.id}`, {
    token: server.firstUser.token,
    body: metaOf(described),
  })
  expect([answer.status, answer.text]).toEqual([304, ''])
  expect(await read(template)).toEqual(described)
})

test.each([
  ['a name with a space', { name: 'no good' }, 'name'],
  ['a display name with a blank at its end', { display_name: 'bad ' }, 'display_name'],
  ['a description of 129 characters', { description: '💥'.repeat(129) }, 'description'],
  ['an icon of 257 characters', { icon: '/'.repeat(257) }, 'icon'],
])('%s is 400 with a validation on the field', async (_what, body, field) => {
  verifies('templates:column-limits')
  await expect(update(await createTemplate(server), body)).rejects.toMatchObject({ status: 400, validations: [{ field }] })
})

test('a description of 128 characters and an icon of 256 are kept', async () => {
  verifies('templates:column-limits')
  const body = { description: '💥'.repeat(128), icon: '/'.repeat(256) }
  expect(await update(await createTemplate(server), body)).toMatchObject(body)
})

test('the name of another template is 409, its own in another case is not', async () => {
  verifies('templates:update-taken')
  const [template, other] = [await createTemplate(server), await createTemplate(server)]
  const renaming = update(template, { name: other.name.toUpperCase() })
  await expect(renaming).rejects.toMatchObject({ status: 409, validations: [{ field: 'name' }] })
  expect((await update(template, { name: template.name.toUpperCase() })).name).toBe(template.name.toUpperCase())
})

test('workspaces show what their template is called now', async () => {
  const template = await createTemplate(server)
  const { id } = await createWorkspace(server, template)
  const { name } = await update(template, { name: uniqueName() })
  expect((await server.client.workspaces.get({ params: { workspace: id } })).template_name).toBe(name)
})

test('a member cannot change a template, and learns nothing about the body', async () => {
  const template = await createTemplate(server)
  const { token } = await createMember(server)
  const { status } = await rawRequest(server.url, `PATCH /templates/${template.id}`, { token, body: 'no object' })
  expect(status).toBe(404)
})

function metaOf({ name, display_name, description, icon, default_ttl_ms, allow_user_cancel_workspace_jobs }: Template): UpdateTemplateMeta {
  return { name, display_name, description, icon, default_ttl_ms, allow_user_cancel_workspace_jobs }
}
