import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Template, UpdateTemplateACL } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember, createTemplate, createVersion, createWorkspace, uniqueName, type Member } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const everyone = (): string => server.firstUser.organization_id
const share = async ({ id }: Template, body: UpdateTemplateACL): Promise<unknown> =>
  await server.client.templates.updateAccessList({ params: { template: id }, body })
const isListedFor = async ({ client }: Member, { id }: Template): Promise<boolean> =>
  (await client.templates.list({ params: { organization: everyone() } })).some((template) => template.id === id)

/** A template that nobody but its administrators sees. */
async function privateTemplate(): Promise<Template> {
  const template = await createTemplate(server)
  await share(template, { group_perms: { [everyone()]: '' } })
  return template
}

test('a new template is shared with everybody in its organization, and with nobody else', async () => {
  verifies('template-access:everyone')
  const template = await createTemplate(server)
  const member = await createMember(server)
  const { users, group } = await server.client.templates.accessList({ params: { template: template.id } })
  expect(users).toEqual([])
  expect(group).toMatchObject([{ id: everyone(), name: 'Everyone', organization_id: everyone(), role: 'use' }])
  expect(group[0]?.members.map(({ id }) => id)).toEqual(expect.arrayContaining([server.firstUser.user_id, member.id]) as string[])
})

test('what is no longer shared with everybody is not found by members, in no way', async () => {
  verifies('template-access:everyone')
  const template = await privateTemplate()
  const member = await createMember(server)
  await expect(member.client.templates.get({ params: { template: template.id } })).rejects.toMatchObject({ status: 404 })
  expect(await isListedFor(member, template)).toBe(false)
  await expect(createWorkspace(server, template, { client: member.client })).rejects.toMatchObject({ status: 404 })
})

test('somebody with the role use reads it and makes workspaces of it, and changes nothing', async () => {
  verifies('template-access:roles')
  const template = await privateTemplate()
  const member = await createMember(server)
  await share(template, { user_perms: { [member.id]: 'use' } })
  const { users } = await server.client.templates.accessList({ params: { template: template.id } })
  expect(users).toMatchObject([{ id: member.id, username: member.username, role: 'use' }])
  expect(await isListedFor(member, template)).toBe(true)
  expect((await createWorkspace(server, template, { client: member.client })).template_id).toBe(template.id)
  const renaming = member.client.templates.update({ params: { template: template.id }, body: { name: uniqueName() } })
  await expect(renaming).rejects.toMatchObject({ status: 404 })
  await share(template, { user_perms: { [member.id]: '' } })
  expect(await isListedFor(member, template)).toBe(false)
})

test('somebody with the role admin changes it and whom it is shared with; they may be named beside others', async () => {
  verifies('template-access:roles')
  const template = await privateTemplate()
  const [admin, user] = [await createMember(server), await createMember(server)]
  await share(template, { user_perms: { [admin.id]: 'admin' } })
  const name = uniqueName()
  expect((await admin.client.templates.update({ params: { template: template.id }, body: { name } })).name).toBe(name)
  await admin.client.templates.updateAccessList({ params: { template: template.id }, body: { user_perms: { [user.id]: 'use' } } })
  const { users } = await admin.client.templates.accessList({ params: { template: template.id } })
  expect(Object.fromEntries(users.map(({ id, role }) => [id, role]))).toEqual({ [admin.id]: 'admin', [user.id]: 'use' })
  await expect(user.client.templates.updateAccessList({ params: { template: template.id }, body: {} })).rejects.toMatchObject({
    status: 404,
  })
})

test('a group shares what it was given with its members, as long as they are in it', async () => {
  verifies('template-access:groups')
  const template = await privateTemplate()
  const member = await createMember(server)
  const group = randomUUID()
  await runSql(server, 'insert into groups (id, organization_id, name, created_at) values ($1, $2, $3, now())', [
    group,
    everyone(),
    uniqueName(),
  ])
  await runSql(server, 'insert into group_members (group_id, user_id) values ($1, $2)', [group, member.id])
  await share(template, { group_perms: { [group]: 'use' } })
  const shown = await server.client.templates.accessList({ params: { template: template.id } })
  expect(shown.group).toMatchObject([{ id: group, role: 'use', members: [{ id: member.id }] }])
  expect(await isListedFor(member, template)).toBe(true)
  await runSql(server, 'delete from group_members where user_id = $1', [member.id])
  expect(await isListedFor(member, template)).toBe(false)
})

test('a suspended user keeps what they were given, and is not shown as long as they are suspended', async () => {
  verifies('groups:members-active')
  const template = await privateTemplate()
  const [named, grouped] = [await createMember(server), await createMember(server)]
  const { id: group } = await server.client.groups.create({ params: { organization: everyone() }, body: { name: uniqueName() } })
  await server.client.groups.update({ params: { group }, body: { add_users: [grouped.id] } })
  await share(template, { user_perms: { [named.id]: 'use' }, group_perms: { [group]: 'use' } })
  const shown = async (): Promise<string[]> => {
    const list = await server.client.templates.accessList({ params: { template: template.id } })
    return [...list.users, ...list.group.flatMap(({ members }) => members)].map(({ id }) => id)
  }
  expect(await shown()).toEqual([named.id, grouped.id])
  for (const { id } of [named, grouped]) await server.client.users.suspend({ params: { user: id } })
  expect(await shown()).toEqual([])
  await share(template, { user_perms: { [named.id]: 'admin' } })
  expect(await shown()).toEqual([])
  for (const { id } of [named, grouped]) await server.client.users.activate({ params: { user: id } })
  expect(await shown()).toEqual([named.id, grouped.id])
})

test.each<[string, UpdateTemplateACL, string]>([
  ['an unknown person', { user_perms: { [randomUUID()]: 'use' } }, 'user_perms'],
  ['an unknown group', { group_perms: { [randomUUID()]: 'admin' } }, 'group_perms'],
])('%s gets nothing: 400, and nothing is changed', async (_what, body, field) => {
  verifies('template-access:unknown')
  const template = await createTemplate(server)
  await expect(share(template, { ...body, user_perms: { [server.firstUser.user_id]: 'use', ...body.user_perms } })).rejects.toMatchObject({
    status: 400,
    validations: [{ field }],
  })
  expect((await server.client.templates.accessList({ params: { template: template.id } })).users).toEqual([])
})

test('an unknown role and a key that is no id are 400; a role may be taken from somebody who is no more', async () => {
  verifies('template-access:unknown')
  const template = await createTemplate(server)
  const patch = async (body: unknown): Promise<number> =>
    (await rawRequest(server.url, `PATCH /templates/${template.id}/acl`, { token: server.firstUser.token, body })).status
  expect(await patch({ user_perms: { [server.firstUser.user_id]: 'owner' } })).toBe(400)
  expect(await patch({ user_perms: { someone: 'use' } })).toBe(400)
  expect(await patch({ user_perms: { [randomUUID()]: '' } })).toBe(200)
})

test('two who share a template at once both get their way, and it is recorded', async () => {
  verifies('template-access:recorded')
  const template = await createTemplate(server)
  const members = await Promise.all([createMember(server), createMember(server), createMember(server)])
  await Promise.all(members.map(async ({ id }) => await share(template, { user_perms: { [id]: 'use' } })))
  const { users } = await server.client.templates.accessList({ params: { template: template.id } })
  expect(users.map(({ id }) => id).sort()).toEqual(members.map(({ id }) => id).sort())
  const entries = await runSql(server, `select diff from audit_logs where resource_id = $1 and action = 'write'`, [template.id])
  expect(entries).toHaveLength(3)
  expect(JSON.stringify(entries)).toContain(members[0].id)
})

test('who administers a template by its list alone makes versions of it', async () => {
  const template = await privateTemplate()
  const admin = await createMember(server)
  await share(template, { user_perms: { [admin.id]: 'admin' } })
  const { hash } = await admin.client.files.upload({ body: Buffer.from('an archive') })
  const version = await admin.client.templateVersions.create({
    params: { organization: everyone() },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo', template_id: template.id },
  })
  expect(version.template_id).toBe(template.id)
  await createVersion(server, {}, template.id)
})
