import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { User } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi, type ApiAnswer } from './call-api.ts'
import { build, buildEnded, createMember, createTemplate, createWorkspace, uniqueName, type Member } from './factories.ts'
import { runSql } from './run-sql.ts'
import { FIRST_USER, startTestServer, type TestServer } from './start-test-server.ts'
import { openWatch } from './watch-events.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

async function put(user: string, body: unknown, token?: string): Promise<ApiAnswer> {
  return await callApi(server, `PUT /users/${user}/password`, { body, ...(token !== undefined && { token }) })
}

/** Actions and changes recorded about a user, oldest first. */
async function entriesOf(id: string): Promise<Record<string, unknown>[]> {
  return await runSql(
    server,
    `select action, user_id, status_code, diff from audit_logs where resource_id = $1 and resource_type = 'user' order by time, id`,
    [id],
  )
}

async function whoami({ token }: { readonly token: string }): Promise<number> {
  return (await callApi(server, 'GET /users/me', { token })).status
}

async function login(username: string, password = 'testpass'): Promise<ApiAnswer> {
  return await callApi(server, 'POST /users/login', { token: null, body: { email: `${username}@example.com`, password } })
}

describe('deleting a user', () => {
  test('ends the sessions, frees name and address, can be done again with the next of that name, and is recorded', async () => {
    verifies('users:delete', 'rulings:keys-of-inactive-users')
    const member = await createMember(server)
    const { key } = await member.client.sessions.createToken({ params: { user: 'me' }, body: {} })
    await server.client.users.delete({ params: { user: member.id } })
    expect([await whoami(member), await whoami({ token: key }), (await login(member.username)).status]).toEqual([401, 401, 401])
    expect((await entriesOf(member.id)).at(-1)).toMatchObject({
      action: 'delete',
      user_id: server.firstUser.user_id,
      status_code: 200,
      diff: { deleted: { old: false, new: true } },
    })
    const { username } = member
    const again = await server.client.users.create({
      body: { username, email: `${username}@example.com`, password: 'testpass', organization_id: server.firstUser.organization_id },
    })
    await server.client.users.delete({ params: { user: username } })
    expect((await callApi(server, `GET /users/${username}`)).status).toBe(400)
    expect(await server.client.users.get({ params: { user: again.id } })).toMatchObject({ username })
  })

  test('of a user who is deleted already changes nothing', async () => {
    verifies('users:delete-twice')
    const member = await createMember(server)
    for (let round = 0; round < 2; round++) await server.client.users.delete({ params: { user: member.id } })
    expect((await entriesOf(member.id)).filter(({ action }) => action === 'delete')).toHaveLength(1)
  })

  test('is refused to a member with 403', async () => {
    verifies('users:delete-by-member')
    const member = await createMember(server)
    const { status, json } = await callApi(server, 'DELETE /users/testuser', { token: member.token })
    expect([status, json]).toEqual([403, { message: 'Forbidden.' }])
  })

  test('is 417 while the user owns a workspace', async () => {
    verifies('users:delete-with-workspace')
    const member = await createMember(server)
    const template = await createTemplate(server)
    const workspace = await createWorkspace(server, template, { client: member.client })
    const refused = await callApi(server, `DELETE /users/${member.username}`)
    expect([refused.status, refused.json.message]).toEqual([417, expect.stringContaining('workspaces')])
    expect(await whoami(member)).toBe(200)
    await buildEnded(server.client, workspace.latest_build.id)
    await build(server.client, workspace.id, 'delete')
    expect((await callApi(server, `DELETE /users/${member.username}`)).status).toBe(200)
  })
})

describe('a user admin', () => {
  let admin: Member
  beforeAll(async () => {
    admin = await createMember(server, { roles: ['user-admin'] })
  })

  test('deletes members, and nobody who is an owner', async () => {
    verifies('users:delete-owner')
    const [member, owner] = [await createMember(server), await createMember(server, { roles: ['owner'] })]
    expect((await callApi(server, `DELETE /users/${owner.id}`, { token: admin.token })).status).toBe(403)
    expect(await whoami(owner)).toBe(200)
    expect((await callApi(server, `DELETE /users/${member.id}`, { token: admin.token })).status).toBe(200)
    await server.client.users.delete({ params: { user: owner.id } })
  })
})

describe('the last owner', () => {
  test('is neither deleted nor suspended nor stripped of the role, by anybody', async () => {
    verifies('rulings:last-owner')
    const admin = await createMember(server, { roles: ['member'] })
    await runSql(server, `update users set rbac_roles = '{user-admin}' where id = $1`, [admin.id])
    for (const line of ['DELETE /users/testuser', 'PUT /users/testuser/status/suspend'])
      for (const token of [server.firstUser.token, admin.token]) expect((await callApi(server, line, { token })).status).toBe(400)
    const stripped = await callApi(server, 'PUT /users/testuser/roles', { token: admin.token, body: { roles: [] } })
    expect(stripped.status).toBe(403)
    expect(await server.client.users.get({ params: { user: 'me' } })).toMatchObject({ status: 'active', roles: [{ name: 'owner' }] })
    expect((await callApi(server, 'DELETE /users/me')).json.message).toContain('last active owner')
  })

  test('remains when two owners take the role from each other at once, or delete themselves at once', async () => {
    verifies('rulings:last-owner')
    const own = await startTestServer()
    const [one, other] = [await createMember(own, { roles: ['owner'] }), await createMember(own, { roles: ['owner'] })]
    await one.client.users.updateRoles({ params: { user: 'testuser' }, body: { roles: [] } })
    const taken = await Promise.all([
      callApi(own, `PUT /users/${other.id}/roles`, { token: one.token, body: { roles: [] } }),
      callApi(own, `PUT /users/${one.id}/roles`, { token: other.token, body: { roles: [] } }),
    ])
    const owners = async (): Promise<string[]> => (await one.client.users.list({ query: { q: 'role:owner' } })).users.map(({ id }) => id)
    expect(taken.map(({ status }) => status)).toContain(200)
    expect(await owners()).toHaveLength(1)
    await runSql(own, `update users set rbac_roles = '{owner}' where id = any($1)`, [[one.id, other.id]])
    const gone = await Promise.all([one, other].map(async ({ token }) => await callApi(own, 'DELETE /users/me', { token })))
    expect(gone.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400])
    await own.stop()
  })

  test('is not the one who is suspended: only owners who can sign in count', async () => {
    verifies('rulings:last-owner')
    const suspended = await createMember(server)
    await server.client.users.suspend({ params: { user: suspended.id } })
    await server.client.users.updateRoles({ params: { user: suspended.id }, body: { roles: ['owner'] } })
    expect((await callApi(server, 'DELETE /users/me')).status).toBe(400)
    await server.client.users.delete({ params: { user: suspended.id } })
  })
})

describe('a profile', () => {
  test('is renamed to a free name and recorded once; a taken one is 409 in any case', async () => {
    verifies('users:profile')
    const member = await createMember(server)
    const other = await createMember(server)
    const taken = await callApi(server, `PUT /users/${member.id}/profile`, { body: { username: other.username } })
    expect([taken.status, taken.json.validations]).toMatchObject([409, [{ field: 'username' }]])
    const inCapitals = await callApi(server, `PUT /users/${member.id}/profile`, { body: { username: other.username.toUpperCase() } })
    expect([inCapitals.status, inCapitals.json.validations]).toEqual([409, undefined])
    const username = uniqueName('renamed')
    expect(await server.client.users.updateProfile({ params: { user: member.id }, body: { username } })).toMatchObject({ username })
    expect(await member.client.users.get({ params: { user: 'me' } })).toMatchObject({ id: member.id, username })
    const [, write, ...rest] = (await entriesOf(member.id)).filter(({ status_code }) => Number(status_code) < 400)
    expect(rest).toEqual([])
    expect(write).toMatchObject({ action: 'write', diff: { username: { old: member.username, new: username } } })
    expect(await server.client.users.updateProfile({ params: { user: username }, body: { username } })).toMatchObject({ username })
  })

  test('of a deleted user does not take the name of a living one', async () => {
    verifies('users:profile-deleted')
    const [gone, other] = [await createMember(server), await createMember(server)]
    await server.client.users.delete({ params: { user: gone.id } })
    const { status } = await callApi(server, `PUT /users/${gone.id}/profile`, { body: { username: other.username } })
    expect(status).toBe(409)
  })

  test('of a user whom nobody knows is 400, of another user 404 for a member, with a bad name 400', async () => {
    verifies('users:profile')
    const member = await createMember(server)
    expect((await callApi(server, `PUT /users/${randomUUID()}/profile`, { body: { username: 'x' } })).status).toBe(400)
    for (const user of ['me', 'testuser'])
      expect((await callApi(server, `PUT /users/${user}/profile`, { token: member.token, body: { username: 'x' } })).status).toBe(404)
    const bad = await callApi(server, `PUT /users/${member.id}/profile`, { body: { username: 'not a name' } })
    expect([bad.status, bad.json.validations]).toMatchObject([400, [{ field: 'username' }]])
  })

  test('that is renamed shows on the workspaces of the user, and whoever watches one hears of it', async () => {
    verifies('users:rename-shown')
    const member = await createMember(server)
    const template = await createTemplate(server)
    const { id } = await createWorkspace(server, template, { client: member.client })
    const watch = await openWatch(server, id)
    const username = uniqueName('owner')
    await server.client.users.updateProfile({ params: { user: member.id }, body: { username } })
    expect(await server.client.workspaces.get({ params: { workspace: id } })).toMatchObject({ owner_name: username })
    expect(await watch.next(({ owner_name }) => owner_name === username)).toMatchObject({ id })
    watch.close()
  })
})

describe('suspending', () => {
  let member: Member
  beforeAll(async () => {
    member = await createMember(server)
  })

  test('a member stops sessions and logins at once, is recorded, and is undone by activating', async () => {
    verifies('users:suspend', 'login:suspended', 'rulings:keys-of-inactive-users')
    const suspended = await server.client.users.suspend({ params: { user: member.username } })
    expect(suspended).toMatchObject({ id: member.id, status: 'suspended' })
    expect(await entriesOf(member.id)).toMatchObject([
      { action: 'create' },
      { action: 'write', diff: { status: { old: 'active', new: 'suspended' } } },
    ])
    const me = await callApi(server, 'GET /users/me', { token: member.token })
    expect([me.status, me.json.message]).toEqual([401, expect.stringContaining('Contact an admin')])
    const signIn = await login(member.username)
    expect([signIn.status, signIn.json.message]).toEqual([401, expect.stringContaining('suspended')])
    expect(await server.client.users.suspend({ params: { user: member.id } })).toMatchObject({ status: 'suspended' })
    expect(await server.client.users.activate({ params: { user: member.id } })).toMatchObject({ status: 'active' })
    expect(await whoami(member)).toBe(200)
  })

  test('oneself or another owner is refused', async () => {
    verifies('users:suspend')
    const self = await callApi(server, 'PUT /users/me/status/suspend')
    expect([self.status, self.json.message]).toEqual([400, expect.stringContaining('suspend yourself')])
    const owner = await createMember(server, { roles: ['owner'] })
    const refused = await callApi(server, `PUT /users/${owner.id}/status/suspend`)
    expect([refused.status, refused.json.message]).toEqual([400, expect.stringContaining('Remove the role')])
    await server.client.users.updateRoles({ params: { user: owner.id }, body: { roles: [] } })
    expect((await callApi(server, `PUT /users/${owner.id}/status/suspend`)).status).toBe(200)
  })

  test('and activating are 404 for a member', async () => {
    verifies('users:status-by-member')
    for (const action of ['suspend', 'activate'])
      expect((await callApi(server, `PUT /users/testuser/status/${action}`, { token: member.token })).status).toBe(404)
  })
})

describe('passwords', () => {
  test('are not set by a member for others, and are by an owner without the old one', async () => {
    verifies('users:password-by-other')
    const member = await createMember(server)
    expect((await put('testuser', { password: 'newpassword' }, member.token)).status).toBe(404)
    const { status, text } = await put(member.username, { password: 'newpassword' })
    expect([status, text]).toEqual([204, ''])
    expect((await login(member.username, 'newpassword')).status).toBe(201)
    expect((await login(member.username)).status).toBe(401)
  })

  test('of oneself need the old one, which an owner may leave out; no password is recorded', async () => {
    verifies('users:password-own')
    const member = await createMember(server)
    expect((await put('me', { password: 'newpassword' }, member.token)).status).toBe(403)
    const wrong = await put('me', { old_password: 'wrong', password: 'newpassword' }, member.token)
    expect([wrong.status, wrong.json.validations]).toMatchObject([400, [{ field: 'old_password' }]])
    expect((await put('me', { old_password: 'testpass', password: 'newpassword' }, member.token)).status).toBe(204)
    const entries = (await entriesOf(member.id)).filter(({ status_code }) => Number(status_code) < 400)
    expect(entries).toMatchObject([
      { action: 'create' },
      { action: 'write', diff: { hashed_password: { old: '', new: '', secret: true } } },
    ])
    expect(JSON.stringify(entries)).not.toMatch(/newpassword|testpass|pbkdf2/)
    const owner = await createMember(server, { roles: ['owner'] })
    expect((await put('me', { password: 'newpassword' }, owner.token)).status).toBe(204)
  })

  test('that change end every session and token of the user, and no one else’s', async () => {
    verifies('users:password-ends-sessions')
    const member = await createMember(server)
    const { key } = await member.client.sessions.createToken({ params: { user: 'me' }, body: {} })
    expect((await put('me', { old_password: 'testpass', password: 'newpassword' }, member.token)).status).toBe(204)
    expect([await whoami(member), await whoami({ token: key }), await whoami(server.firstUser)]).toEqual([401, 401, 200])
    const token = ((await login(member.username, 'newpassword')).json as { session_token: string }).session_token
    for (const id of [key, key.slice(0, 10), member.token.slice(0, 10)])
      expect((await callApi(server, `GET /users/me/keys/${id}`, { token })).status).toBe(404)
  })

  test('that are the same as before are 400', async () => {
    verifies('users:password-same')
    const member = await createMember(server)
    const body = { old_password: 'testpass', password: 'testpass' }
    expect((await put('me', body, member.token)).status).toBe(400)
    expect(await whoami(member)).toBe(200)
  })

  test('have 8 to 64 bytes wherever they are set, which is looked at after all else', async () => {
    verifies('rulings:password-length')
    const member = await createMember(server)
    const fresh = (): Record<string, string> => {
      const username = uniqueName('user')
      return { username, email: `${username}@example.com`, organization_id: server.firstUser.organization_id }
    }
    for (const [password, text] of [
      ['short-7', 'at least 8'],
      ['x'.repeat(65), 'no more than 64'],
    ] as const) {
      for (const refused of [await put(member.id, { password }), await callApi(server, 'POST /users', { body: { ...fresh(), password } })])
        expect([refused.status, refused.json.validations]).toEqual([400, [{ field: 'password', detail: expect.stringContaining(text) }]])
      const taken = { ...fresh(), username: FIRST_USER.username, password }
      expect((await callApi(server, 'POST /users', { body: taken })).status).toBe(409)
      const nowhere = { ...fresh(), organization_id: randomUUID(), password }
      expect((await callApi(server, 'POST /users', { body: nowhere })).status).toBe(404)
      const again = { username: 'late', email: 'late@example.com', password }
      expect((await callApi(server, 'POST /users/first', { token: null, body: again })).status).toBe(409)
    }
    for (const password of ['x'.repeat(8), 'x'.repeat(64)]) {
      const { status, json } = await callApi(server, 'POST /users', { body: { ...fresh(), password } })
      expect([status, (json as User).status]).toEqual([201, 'active'])
    }
  })
})
