import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildEnded, createMember, createTemplate, createWorkspace, type Member } from './factories.ts'
import { runSql } from './run-sql.ts'
import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const NOT_FOUND = { message: 'Resource not found or you do not have access to this resource' }

let server: TestServer
let workspace: Workspace
let member: Member
let organization: string
beforeAll(async () => {
  server = await startTestServer()
  organization = server.firstUser.organization_id
  workspace = await createWorkspace(server, await createTemplate(server))
  await buildEnded(server.client, workspace.latest_build.id)
  member = await createMember(server)
})
afterAll(async () => await server.stop())

/** As the first user. */
async function send(line: string, request: RawRequest = {}): Promise<RawAnswer> {
  return await rawRequest(server.url, line, { token: server.firstUser.token, ...request })
}

async function anonymous(line: string, request: RawRequest = {}): Promise<RawAnswer> {
  return await rawRequest(server.url, line, request)
}

describe('paths', () => {
  test('a parameter that is no UUID is 400 and named', async () => {
    verifies('wire:path:uuid')
    for (const [path, name] of [
      ['/organizations/x', 'organization'],
      ['/workspaces/x', 'workspace'],
      ['/workspacebuilds/x', 'workspacebuild'],
      ['/workspaceagents/x', 'workspaceagent'],
      ['/templates/x', 'template'],
      ['/templateversions/x', 'templateversion'],
      ['/files/x', 'file'],
    ]) {
      const { status, json } = await send(`GET ${path}`)
      expect([status, json]).toEqual([400, { message: `Invalid UUID "${name}".`, detail: 'invalid UUID length: 1' }])
    }
  })

  test('a spelling is checked before anything is looked up, and before the body', async () => {
    verifies('wire:path:uuid')
    const { status, json } = await send(`POST /organizations/x/members/${randomUUID()}/workspaces`, { body: '{' })
    expect([status, json]).toMatchObject([400, { message: 'Invalid UUID "organization".' }])
  })

  test('what does not exist and what may not be seen have the same answer', async () => {
    verifies('wire:path:unknown')
    const unknown = await send(`GET /workspaces/${randomUUID()}`)
    const foreign = await send(`GET /workspaces/${workspace.id}`, { token: member.token })
    expect([unknown.status, unknown.json]).toEqual([404, NOT_FOUND])
    expect([foreign.status, foreign.text]).toEqual([404, unknown.text])
    for (const noun of ['organizations', 'workspacebuilds', 'templates', 'templateversions', 'files'])
      expect((await send(`GET /${noun}/${randomUUID()}`)).json).toEqual(NOT_FOUND)
    const agent = await send(`GET /workspaceagents/${randomUUID()}`)
    expect([agent.status, agent.json]).toMatchObject([404, { message: expect.stringContaining('Agent') as string }])
  })

  test('a stranger gets 404, even with a bad body', async () => {
    verifies('wire:path:stranger-first')
    for (const line of [
      `PATCH /workspaces/${workspace.id}`,
      `PUT /workspaces/${workspace.id}/ttl`,
      `PUT /workspaces/${workspace.id}/autostart`,
    ]) {
      const { status, json } = await send(line, { token: member.token, body: '{' })
      expect([status, json]).toEqual([404, NOT_FOUND])
    }
  })

  test('{user} is me, an id in any spelling or a name in any case; anything else is 400', async () => {
    verifies('wire:path:user')
    verifies('users:parameter')
    const id = server.firstUser.user_id
    for (const user of ['me', id, id.toUpperCase(), id.replaceAll('-', ''), 'testuser', 'TESTUSER', '%74estuser'])
      expect((await send(`GET /users/${user}`)).json).toMatchObject({ id })
    for (const user of [randomUUID(), 'nobody', 'testuser@coder.com', 'ME', '%20', '-', '..%2f', 'a'.repeat(5000), '%F0%9F%98%80']) {
      const { status, json } = await send(`GET /users/${user}`)
      expect([status, json]).toEqual([400, { message: '"user" must be an existing uuid or username.' }])
    }
    for (const line of ['GET /users//roles', 'PUT /users//profile', 'GET /users//workspace/dev']) {
      const { status, json } = await send(line)
      expect([line, status, json]).toEqual([line, 400, { message: '"user" must be an existing uuid or username.' }])
    }
  })

  test('a user who is not in the organization of the path is 404', async () => {
    verifies('wire:path:foreign-member')
    // An unknown organization stands for one without members; an existing one has the new member.
    expect((await send(`POST /organizations/${randomUUID()}/members/${member.id}/workspaces`, { body: '{' })).json).toEqual(NOT_FOUND)
    expect((await send(`POST /organizations/${organization}/members/${member.username}/workspaces`, { body: '{' })).status).toBe(400)
    await runSql(
      server,
      `insert into users (id, email, username, hashed_password, created_at, updated_at)
      values ('${randomUUID()}', 'out@example.com', 'outsider', '', now(), now())`,
    )
    const { status, json } = await send(`POST /organizations/${organization}/members/outsider/workspaces`, { body: '{' })
    expect([status, json]).toEqual([404, NOT_FOUND])
  })

  test('NUL and broken percent-encoding are answered, not crashed on', async () => {
    expect((await send('GET /users/%00')).status).toBe(404)
    expect((await send('GET /users/me/workspace/%00')).status).toBe(404)
    for (const line of ['GET /users/%zz', 'GET /users/%', 'GET /users/%c3%28']) {
      const { status, json } = await send(line)
      expect([status, json]).toMatchObject([400, { message: 'The path is not percent-encoded correctly. Write a literal "%" as "%25".' }])
    }
    const query = await send('GET /workspaces?name=%00')
    expect([query.status, query.json]).toMatchObject([400, { validations: [{ field: 'name' }] }])
  })
})

describe('routing', () => {
  test('an unknown path is 404 with the fixed message; below a resource the session and the parameters are looked at first', async () => {
    verifies('wire:routing:unknown')
    for (const path of ['/nothing', '/buildinfo/x', '/workspaceagents/me/x', '/%2f', '/%2e%2e/', '/Users', '/BUILDINFO']) {
      const { status, json } = await anonymous(`GET ${path}`)
      expect([path, status, json]).toEqual([path, 404, { message: 'Route not found.' }])
    }
    expect((await anonymous('GET /workspaces/a/b/c')).status).toBe(401)
    expect((await anonymous('GET /users/me/nothing')).status).toBe(401)
    expect((await anonymous('GET /users/first/x')).status).toBe(401)
    expect((await send('GET /workspaces/a/b/c')).json).toMatchObject({ message: 'Invalid UUID "workspace".' })
    for (const path of [
      '/users/me/nothing',
      `/workspaces/${workspace.id}/nothing`,
      `/workspaces/${randomUUID()}/nothing/more`,
      '/files/x/y',
    ])
      expect((await send(`GET ${path}`)).json).toEqual({ message: 'Route not found.' })
  })

  test('a known path with another method is 405 and empty, HEAD and OPTIONS included', async () => {
    verifies('wire:routing:method')
    const lines = ['HEAD', 'OPTIONS', 'POST', 'TRACE', 'PROPFIND'].flatMap((method) => [
      `${method} /buildinfo`,
      `${method} /users/me`,
      `${method} /workspaces/${workspace.id}`,
    ])
    for (const line of [...lines, 'PUT /users/login', 'PATCH /users/logout', 'POST /users/authmethods', 'DELETE /users']) {
      const { status, text, headers } = await send(line)
      expect([line, status, text, headers.allow]).toEqual([line, 405, '', undefined])
    }
  })

  test('collections answer with and without a slash at the end, leaves only without', async () => {
    verifies('wire:routing:trailing-slash')
    const { id } = workspace
    for (const path of [
      '',
      '/buildinfo',
      '/users',
      '/users/me',
      '/workspaces',
      `/workspaces/${id}`,
      `/workspaces/${id}/builds`,
      `/organizations/${organization}`,
    ]) {
      expect((await send(`GET ${path}`)).status).toBe(200)
      expect((await send(`GET ${path}/`)).status).toBe(200)
    }
    for (const path of [`/workspaces/${id}/watch`, `/workspacebuilds/${workspace.latest_build.id}/logs`, '/users/me/keys'])
      expect((await send(`GET ${path}/`)).json).toEqual({ message: 'Route not found.' })
  })

  test('an unknown path beside the API is 404, with a session and without', async () => {
    verifies('wire:routing:unknown-page')
    const paths = [
      '/metrics',
      '/install.sh',
      '/scim/v2/Users',

      '/workspaces',
      '/api',
      '/api/v3/users',
      '/api/v2x',
      '/x/login',
      '/healthz/x',
    ]
    for (const path of paths) {
      for (const answer of [await send(`GET /${path}`), await anonymous(`GET /${path}`), await send(`POST /${path}`)]) {
        expect([path, answer.status, answer.text]).toEqual([path, 404, 'There is nothing at this address. The API is below /api/v2.\n'])
        expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
      }
    }
    for (const line of ['POST //', 'POST //healthz', 'DELETE //login']) expect((await send(line)).status).toBe(404)
    for (const path of ['/', '/?x=1', '/healthz', '/docs', '/bin/', '/login?message=x', '/derp/latency-check'])
      expect([path, (await anonymous(`GET /${path}`)).status]).toEqual([path, 200])
  })

  test('the API greets without a session', async () => {
    verifies('wire:routing:greeting')
    for (const line of ['GET ', 'GET /'])
      expect([(await anonymous(line)).status, (await anonymous(line)).json]).toEqual([200, { message: '👋' }])
  })
})

describe('paging', () => {
  test('all bad parameters are reported together, in order', async () => {
    verifies('wire:paging:invalid', 'rulings:negative-paging')
    const { status, json } = await send('GET /users?offset=-1&limit=1.5&after_id=x')
    expect(status).toBe(400)
    expect(json).toMatchObject({ message: 'Query parameters have invalid values.' })
    expect((json as { validations: { field: string }[] }).validations.map(({ field }) => field)).toEqual(['after_id', 'limit', 'offset'])
    for (const list of ['/users', '/workspaces', `/workspaces/${workspace.id}/builds`])
      for (const query of ['limit=-1', 'offset=-5', 'limit=x', 'offset=1e3', 'after_id=zz', 'limit=99999999999999999999'])
        expect((await send(`GET ${list}?${query}`)).status).toBe(400)
  })

  test('empty values count as absent, limit 0 as no limit, and the first of repeated values is taken', async () => {
    verifies('wire:paging:defaults')
    const all = await send('GET /users')
    for (const query of ['limit=&offset=&after_id=', 'limit=0', 'limit=%2B0', 'limit=5&limit=x', 'limit=9223372036854775807'])
      expect((await send(`GET /users?${query}`)).text).toBe(all.text)
    expect((await send('GET /users?limit=1')).json).toMatchObject({
      count: (all.json as { count: number }).count,
      users: [{ username: 'testuser' }],
    })
  })

  test('an offset beyond every number of rows is an empty page, not a crash', async () => {
    for (const list of ['/users', '/workspaces'])
      expect((await send(`GET ${list}?offset=9223372036854775807`)).json).toMatchObject({ count: expect.any(Number) as number })
  })
})
