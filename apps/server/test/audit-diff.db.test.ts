import { verifies } from '@berth/requirements'
import type { AuditLog, CreateTemplateRequest, Template } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser } from './browser.ts'
import { callApi } from './call-api.ts'
import { build, buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded, uniqueName } from './factories.ts'
import { startFakeGithub, type GithubPerson } from './fake-github.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const SECRET = { old: '', new: '', secret: true }

let server: TestServer
let organization: string
let me: string
beforeAll(async () => {
  server = await startTestServer()
  organization = server.firstUser.organization_id
  me = server.firstUser.user_id
})
afterAll(async () => await server.stop())

const change = (old: unknown, now: unknown) => ({ old, new: now, secret: false })

const octocat = (email: string, avatar_url: string): GithubPerson => ({
  id: 7,
  login: 'octo',
  emails: [{ email, primary: true, verified: true }],
  avatar_url,
})

/** The differences of a resource, oldest first; those of attempts that failed are left out. */
async function diffsOf(resourceId: string): Promise<AuditLog['diff'][]> {
  const { audit_logs } = await server.client.audit.list({ query: { q: `resource_id:${resourceId}`, limit: 25 } })
  return audit_logs.toReversed().flatMap(({ diff, status_code }) => (status_code < 400 ? [diff] : []))
}

/** Changes something and returns the difference that is recorded of it. */
async function recorded(resourceId: string, work: () => Promise<unknown>): Promise<AuditLog['diff'] | undefined> {
  const { length } = await diffsOf(resourceId)
  server.clock.advance(1000)
  await work()
  const diffs = await diffsOf(resourceId)
  expect(diffs).toHaveLength(length + 1)
  return diffs.at(-1)
}

/** A template with these fields alone. */
async function templateWith(fields: Partial<CreateTemplateRequest>): Promise<Template> {
  const version = await createVersion(server)
  await importEnded(server.client, version.id)
  const body = { name: uniqueName('template'), template_version_id: version.id, ...fields }
  return await server.client.templates.create({ params: { organization }, body })
}

describe('a user', () => {
  test('who is created has a status and a secret password; the first one a role too', async () => {
    verifies('audit:diff')
    const { id, username } = await createMember(server)
    const everybody = (user: string, name: string, email: string) => ({
      id: change('', user),
      email: change('', email),
      username: change('', name),
      status: change('', 'active'),
      hashed_password: SECRET,
    })
    expect(await diffsOf(id)).toEqual([everybody(id, username, `${username}@example.com`)])
    expect((await diffsOf(me))[0]).toEqual({ ...everybody(me, 'testuser', 'testuser@coder.com'), rbac_roles: change([], ['owner']) })
  })

  test('is renamed, suspended, given roles and a password, and deleted: each tells what it changed', async () => {
    verifies('audit:diff')
    const { client } = server
    const { id, username } = await createMember(server)
    const params = { user: id }
    const renamed = uniqueName('renamed')
    expect(await recorded(id, async () => await client.users.updateProfile({ params, body: { username: renamed } }))).toEqual({
      username: change(username, renamed),
    })
    expect(await recorded(id, async () => await client.users.suspend({ params }))).toEqual({ status: change('active', 'suspended') })
    expect(await recorded(id, async () => await client.users.activate({ params }))).toEqual({ status: change('suspended', 'active') })
    expect(await recorded(id, async () => await client.users.activate({ params }))).toEqual({})
    const roles = ['auditor', 'template-admin']
    expect(await recorded(id, async () => await client.users.updateRoles({ params, body: { roles } }))).toEqual({
      rbac_roles: change([], roles),
    })
    expect(await recorded(id, async () => await client.users.updateRoles({ params, body: { roles: [] } }))).toEqual({
      rbac_roles: change(roles, []),
    })
    expect(await recorded(id, async () => await client.users.updatePassword({ params, body: { password: 'newpassword' } }))).toEqual({
      hashed_password: SECRET,
    })
    expect(await recorded(id, async () => await client.users.delete({ params }))).toEqual({ deleted: change(false, true) })
  })
})

test('somebody who signs in elsewhere tells of no password, and of the address and the picture that changed there', async () => {
  verifies('audit:diff')
  const github = await startFakeGithub()
  const githubSignIn = {
    clientId: 'berth',
    clientSecret: 'github-secret',
    allowedOrganizations: undefined,
    allowedTeams: [],
    allowSignups: true,
    enterpriseBaseUrl: github.url,
  }
  const open = await startTestServer({ config: { githubSignIn } })
  try {
    const signIn = async (who: GithubPerson): Promise<AuditLog['diff'] | undefined> => {
      const browser = new Browser()
      browser.setCookie(open.url, 'oauth_state', 'somestate')
      await browser.visit(`${open.url}/api/v2/users/oauth2/github/callback?code=${github.codeOf(who)}&state=somestate`)
      return (await open.client.audit.list({ query: { q: 'user', limit: 1 } })).audit_logs[0]?.diff
    }
    expect(await signIn(octocat('octo@example.com', '/1.png'))).toEqual({
      id: change('', expect.any(String)),
      email: change('', 'octo@example.com'),
      username: change('', 'octo'),
      status: change('', 'active'),
      avatar_url: change('', '/1.png'),
    })
    open.clock.advance(1000)
    expect(await signIn(octocat('moved@example.com', '/2.png'))).toEqual({
      email: change('octo@example.com', 'moved@example.com'),
      avatar_url: change('/1.png', '/2.png'),
    })
  } finally {
    await open.stop()
    await github.stop()
  }
})

test('a git SSH key that is replaced shows the public half and blanks the private one', async () => {
  verifies('audit:diff')
  const { id, token, client } = await createMember(server)
  const before = await client.gitSshKeys.get({ params: { user: 'me' } })
  server.clock.advance(1000)
  const { json } = await callApi(server, 'PUT /users/me/gitsshkey', { token })
  expect(Object.keys(json).toSorted()).toEqual(['created_at', 'public_key', 'updated_at', 'user_id'])
  expect((await diffsOf(id)).slice(1)).toEqual([{ public_key: change(before.public_key, json.public_key), private_key: SECRET }])
})

describe('a template', () => {
  test('that is created tells what is not empty, and its version where it has come to belong', async () => {
    verifies('audit:diff')
    const template = await templateWith({})
    expect(await diffsOf(template.id)).toEqual([
      {
        id: change('', template.id),
        name: change('', template.name),
        provisioner: change('', 'echo'),
        active_version_id: change('', template.active_version_id),
        created_by: change('', me),
        group_acl: change({}, { [organization]: ['read'] }),
      },
    ])
    const version = await server.client.templateVersions.get({ params: { templateversion: template.active_version_id } })
    const created = { id: change('', version.id), name: change('', version.name), created_by: change('', me) }
    expect(await diffsOf(version.id)).toEqual([created, { template_id: change('', template.id) }])
    const next = await createVersion(server, {}, template.id)
    expect(await diffsOf(next.id)).toEqual([
      { id: change('', next.id), name: change('', next.name), created_by: change('', me), template_id: change('', template.id) },
    ])
    const params = { template: template.id }
    await importEnded(server.client, next.id)
    const promote = async () => await server.client.templates.updateActiveVersion({ params, body: { id: next.id } })
    expect(await recorded(template.id, promote)).toEqual({ active_version_id: change(version.id, next.id) })
  })

  test('that is changed, shared and deleted tells old and new of every field, of one type', async () => {
    verifies('audit:diff')
    const { client } = server
    const template = await templateWith({})
    const params = { template: template.id }
    const meta = { display_name: 'Shown', description: 'Says it', icon: '/icon.png', default_ttl_ms: 60_000 }
    const body = { name: template.name, ...meta, allow_user_cancel_workspace_jobs: true }
    expect(await recorded(template.id, async () => await client.templates.update({ params, body }))).toEqual({
      display_name: change('', 'Shown'),
      description: change('', 'Says it'),
      icon: change('', '/icon.png'),
      default_ttl: change(0, 60_000_000_000),
      allow_user_cancel_workspace_jobs: change(false, true),
    })
    const acl = { user_perms: { [me]: 'use' as const }, group_perms: { [organization]: '' as const } }
    expect(await recorded(template.id, async () => await client.templates.updateAccessList({ params, body: acl }))).toEqual({
      user_acl: change({}, { [me]: ['read'] }),
      group_acl: change({ [organization]: ['read'] }, {}),
    })
    expect(await recorded(template.id, async () => await client.templates.delete({ params }))).toEqual({
      id: change(template.id, ''),
      name: change(template.name, ''),
      display_name: change('Shown', ''),
      description: change('Says it', ''),
      icon: change('/icon.png', ''),
      provisioner: change('echo', ''),
      active_version_id: change(template.active_version_id, ''),
      default_ttl: change(60_000_000_000, 0),
      created_by: change(me, ''),
      user_acl: change({ [me]: ['read'] }, {}),
      allow_user_cancel_workspace_jobs: change(true, false),
    })
  })
})

describe('a workspace', () => {
  test('that is created without schedule and time tells neither; a build tells nothing', async () => {
    verifies('audit:diff')
    const template = await createTemplate(server)
    const { id, name, latest_build } = await createWorkspace(server, template)
    const created = { id: change('', id), owner_id: change('', me), template_id: change('', template.id), name: change('', name) }
    expect(await diffsOf(id)).toEqual([created])
    await buildEnded(server.client, latest_build.id)
    const deleted = await build(server.client, id, 'delete')
    expect([await diffsOf(deleted.id), await diffsOf(id)]).toEqual([[{}], [created]])
  })

  test('that is created with them, renamed and changed tells old and new', async () => {
    verifies('audit:diff')
    const { client } = server
    const template = await createTemplate(server)
    const schedule = 'CRON_TZ=UTC 30 9 * * 1-5'
    const { id, name } = await createWorkspace(server, template, { ttl_ms: 3_600_000, autostart_schedule: schedule })
    expect(await diffsOf(id)).toEqual([
      {
        id: change('', id),
        owner_id: change('', me),
        template_id: change('', template.id),
        name: change('', name),
        autostart_schedule: change('null', schedule),
        ttl: change(0, 3_600_000_000_000),
      },
    ])
    const params = { workspace: id }
    expect(await recorded(id, async () => await client.workspaces.update({ params, body: { name: `${name}2` } }))).toEqual({
      name: change(name, `${name}2`),
    })
    expect(await recorded(id, async () => await client.workspaces.updateAutostart({ params, body: { schedule: null } }))).toEqual({
      autostart_schedule: change(schedule, 'null'),
    })
    expect(await recorded(id, async () => await client.workspaces.updateAutostart({ params, body: { schedule: null } }))).toEqual({})
    expect(await recorded(id, async () => await client.workspaces.updateTTL({ params, body: { ttl_ms: null } }))).toEqual({
      ttl: change(3_600_000_000_000, 0),
    })
  })
})

describe('a group', () => {
  test('tells its fields and, sorted, its members, from its creation until it is deleted', async () => {
    verifies('audit:diff')
    const { client } = server
    const group = await client.groups.create({ params: { organization }, body: { name: uniqueName('group') } })
    expect(await diffsOf(group.id)).toEqual([{ id: change('', group.id), name: change('', group.name) }])
    const update = async (body: object) =>
      await recorded(group.id, async () => await client.groups.update({ params: { group: group.id }, body }))
    const people = [await createMember(server), await createMember(server), await createMember(server)].map(({ id }) => id)
    const [first = '', second = '', third = ''] = people.toSorted()
    expect(await update({ add_users: [second, first], quota_allowance: 3 })).toEqual({
      members: change([], [first, second]),
      quota_allowance: change(0, 3),
    })
    expect(await update({ quota_allowance: 3 })).toEqual({})
    expect(await update({ add_users: [third], remove_users: [second] })).toEqual({
      members: change([first, second], [first, third]),
    })
    expect(await update({ avatar_url: '/a.png' })).toEqual({ avatar_url: change('', '/a.png') })
    expect(await recorded(group.id, async () => await client.groups.delete({ params: { group: group.id } }))).toEqual({
      id: change(group.id, ''),
      name: change(group.name, ''),
      avatar_url: change('/a.png', ''),
      quota_allowance: change(3, 0),
      members: change([first, third], []),
    })
  })

  test('of everybody tells no members, which are those of the organization', async () => {
    verifies('audit:diff')
    const params = { group: organization }
    expect(await recorded(organization, async () => await server.client.groups.update({ params, body: { quota_allowance: 2 } }))).toEqual({
      quota_allowance: change(0, 2),
    })
  })
})

test('no hash and no key is in the whole log', async () => {
  verifies('audit:diff')
  const secrets = await runSql(server, `select hashed_password as secret from users where hashed_password <> ''`)
  const [log] = await runSql(server, `select string_agg(row::text, ' ') as text from audit_logs row`)
  expect(secrets.length).toBeGreaterThan(1)
  for (const { secret } of secrets) expect(log?.['text']).not.toContain(secret)
  expect(log?.['text']).not.toMatch(/PRIVATE KEY|pbkdf2/)
})
