import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { User } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMember, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { FIRST_USER, startTestServer, type TestServer } from './start-test-server.ts'

describe('users', () => {
  let server: TestServer
  let organization: string
  beforeAll(async () => {
    server = await startTestServer()
    organization = server.firstUser.organization_id
  })
  afterAll(async () => await server.stop())

  async function create(
    fields: Partial<Record<'email' | 'username' | 'password' | 'organization_id', string>>,
    token?: string,
  ): Promise<RawAnswer> {
    const username = uniqueName('user')
    const body = { email: `${username}@example.com`, username, password: 'testpass', organization_id: organization, ...fields }
    return await rawRequest(server.url, 'POST /users', { token: token ?? server.firstUser.token, body })
  }

  async function auditOf(id: string): Promise<Record<string, unknown>[]> {
    return await runSql(
      server,
      'select action, resource_type, user_id, request_id, ip, status_code from audit_logs where resource_id = $1',
      [id],
    )
  }

  test('a user is the same by me, by UUID and by name, and lists its organization', async () => {
    verifies('users:get')
    const me = await server.client.users.get({ params: { user: 'me' } })
    expect(me).toMatchObject({ id: server.firstUser.user_id, organization_ids: [organization], status: 'active', avatar_url: '' })
    for (const user of [me.id, me.username, me.username.toUpperCase()])
      expect(await server.client.users.get({ params: { user } })).toEqual(me)
  })

  test('any member may look another up', async () => {
    const member = await createMember(server)
    expect(await member.client.users.get({ params: { user: 'testuser' } })).toMatchObject({ id: server.firstUser.user_id })
  })

  test('creating one checks conflict, organization and permission in that order, and is audited once', async () => {
    verifies('users:create')
    const member = await createMember(server)
    const stranger = randomUUID()
    expect((await create({ email: 'bad' }, member.token)).json).toEqual({ message: 'Forbidden.' })
    expect((await create({ username: 'TESTUSER', organization_id: stranger })).json).toEqual({ message: 'User already exists.' })
    expect((await create({ email: FIRST_USER.email.toUpperCase(), organization_id: stranger })).status).toBe(409)
    const missing = await create({ organization_id: stranger })
    expect([missing.status, missing.json]).toEqual([404, { message: `Organization does not exist with the provided id "${stranger}".` }])
    const { status, json, headers } = await create({})
    expect(status).toBe(201)
    const user = json as User
    expect(user).toMatchObject({ organization_ids: [organization], roles: [], status: 'active', last_seen_at: '0001-01-01T00:00:00Z' })
    expect(await auditOf(user.id)).toEqual([
      {
        action: 'create',
        resource_type: 'user',
        user_id: server.firstUser.user_id,
        request_id: headers['x-coder-request-id'],
        ip: '127.0.0.1',
        status_code: 201,
      },
    ])
  })

  test('of many at once with one name, one is created and the others are told', async () => {
    verifies('users:create')
    const username = uniqueName('race')
    const answers = await Promise.all(Array.from({ length: 6 }, async () => await create({ username })))
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409])
  })

  test('the name and address of a deleted user are free again', async () => {
    const { json } = await create({})
    const { id, username, email } = json as User
    await runSql(server, 'update users set deleted = true where id = $1', [id])
    expect((await create({ username, email })).status).toBe(201)
  })

  test('a password is neither stored nor audited as it is', async () => {
    const password = randomUUID()
    const { json } = await create({ password })
    const rows = await runSql(server, 'select row_to_json(users) as row from users where id = $1', [(json as User).id])
    const audit = await runSql(server, 'select row_to_json(audit_logs) as row from audit_logs where resource_id = $1', [(json as User).id])
    expect(JSON.stringify([...rows, ...audit])).not.toContain(password)
    expect(JSON.stringify(rows)).toContain('$pbkdf2-sha256$65535$')
  })

  test('workspaces of owner me are empty at first and only own ones later', async () => {
    verifies('users:workspaces-of-me')
    const member = await createMember(server)
    const template = await createTemplate(server)
    await createWorkspace(server, template)
    expect(await member.client.workspaces.list({ query: { owner: 'me' } })).toEqual({ workspaces: [], count: 0 })
    const { id } = await createWorkspace(server, template, { client: member.client })
    const { workspaces } = await member.client.workspaces.list({ query: { owner: 'me' } })
    expect(workspaces.map((workspace) => workspace.id)).toEqual([id])
  })
})

describe('a list of users', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    // A name among many that were created at the very same time is found by its id.
    await runSql(
      server,
      `insert into users (id, email, username, hashed_password, created_at, updated_at)
       select gen_random_uuid(), 'u' || n || '@example.com', 'u' || n, '', now() + (n / 3) * interval '1 second', now() from generate_series(1, 40) n`,
    )
    await runSql(
      server,
      `insert into users (id, email, username, hashed_password, deleted, created_at, updated_at)
       values (gen_random_uuid(), 'gone@example.com', 'gone', '', true, now(), now())`,
    )
  })
  afterAll(async () => await server.stop())

  test('has a count that paging keeps, also past the end', async () => {
    verifies('users:list', 'rulings:count-past-the-end', 'rulings:empty-list-is-array')
    const all = await server.client.users.list()
    expect(all).toMatchObject({ count: 41 })
    expect(all.users).toHaveLength(41)
    for (const [query, length] of [
      [{ limit: 1 }, 1],
      [{ limit: 1, offset: 1 }, 1],
      [{ offset: 41 }, 0],
      [{ limit: 5, offset: 1000 }, 0],
    ] as const) {
      const page = await server.client.users.list({ query })
      expect([page.users.length, page.count]).toEqual([length, 41])
    }
    expect(all.users.some(({ username }) => username === 'gone')).toBe(false)
  })

  test('pages by cursor and by offset have the same contents in the same order', async () => {
    verifies('users:paging')
    const { users: all } = await server.client.users.list()
    for (const limit of [3, 5, 7, 10]) {
      const [byOffset, byCursor]: [User[], User[]] = [[], []]
      for (let offset = 0; offset <= all.length; offset += limit)
        byOffset.push(...(await server.client.users.list({ query: { limit, offset } })).users)
      for (let after: string | undefined; ; after = byCursor.at(-1)?.id) {
        const { users } = await server.client.users.list({ query: { limit, ...(after !== undefined && { after_id: after }) } })
        byCursor.push(...users)
        if (users.length < limit) break
      }
      expect(byOffset).toEqual(all)
      expect(byCursor).toEqual(all)
    }
  })

  test('after a cursor that nobody is there is nothing', async () => {
    expect((await server.client.users.list({ query: { after_id: randomUUID() } })).users).toEqual([])
  })
})
