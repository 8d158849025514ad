import { randomUUID } from 'node:crypto'
import { api, pathParameters, type EndpointSpec } from '@berth/schema'
import type { Template, Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi, type ApiAnswer } from './call-api.ts'
import { buildEnded, createMember, createTemplate, createWorkspace, type Member } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/** All endpoints about workspaces and builds. The contract adds new ones by itself. */
const endpoints = [...Object.entries<EndpointSpec>(api.workspaces), ...Object.entries<EndpointSpec>(api.builds)].map(([name, spec]) => ({
  title: `${spec.method} ${spec.path} (${name})`,
  spec,
}))
const guarded = endpoints.filter(({ spec }) => typeof spec.access === 'object' && spec.access.filtered !== true)
const reads = guarded.filter(({ spec }) => typeof spec.access === 'object' && spec.access.action === 'read')
const writes = guarded.filter(({ spec }) => typeof spec.access === 'object' && spec.access.action !== 'read')

let server: TestServer
let template: Template
let owner: Member
let stranger: Member
let workspace: Workspace
beforeAll(async () => {
  server = await startTestServer()
  template = await createTemplate(server)
  ;[owner, stranger] = [await createMember(server), await createMember(server)]
  workspace = await createWorkspace(server, template, { client: owner.client })
  await buildEnded(owner.client, workspace.latest_build.id)
})
afterAll(async () => await server.stop())

/** The endpoint, for the workspace of the tests. */
function line({ method, path }: EndpointSpec): string {
  const values: Readonly<Record<string, string>> = {
    organization: server.firstUser.organization_id,
    user: owner.username,
    workspace: workspace.id,
    workspacename: workspace.name,
    workspacebuild: workspace.latest_build.id,
    buildnumber: '1',
  }
  return `${method} ${path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? name)}`
}

async function ask(spec: EndpointSpec, token: string | null, body?: unknown): Promise<Pick<ApiAnswer, 'status' | 'json'>> {
  if (spec.delivery !== 'server_sent_events') return await callApi(server, line(spec), { token, ...(body !== undefined && { body }) })
  // A stream that is granted never ends.
  const abort = new AbortController()
  const headers: Record<string, string> = token === null ? {} : { 'Coder-Session-Token': token }
  const response = await fetch(`${server.url}/api/v2${line(spec).split(' ')[1]}`, { headers, signal: abort.signal })
  const json: unknown = response.status === 200 ? undefined : await response.json()
  abort.abort()
  return { status: response.status, json }
}

const NOT_FOUND = { status: 404, json: { message: 'Resource not found or you do not have access to this resource' } }

test.each(endpoints)('$title: without a session 401, with a bad one too', async ({ spec }) => {
  for (const token of [null, 'x', `${'a'.repeat(10)}-${'b'.repeat(22)}`]) expect((await ask(spec, token, '{')).status).toBe(401)
})

describe('a stranger', () => {
  test.each(guarded)('$title: gets 404, whatever the body', async ({ spec }) => {
    if (spec.bodyBeforeAccess === true) {
      expect((await ask(spec, stranger.token, '{')).status).toBe(400)
      expect(await ask(spec, stranger.token, { transition: 'start' })).toEqual(expect.objectContaining(NOT_FOUND))
    } else
      for (const body of spec.body === undefined ? [undefined] : ['{', '{}'])
        expect(await ask(spec, stranger.token, body)).toEqual(expect.objectContaining(NOT_FOUND))
  })

  test('cannot tell what exists from what does not', async () => {
    for (const { spec } of guarded.filter(({ spec: { path } }) => pathParameters(path).includes('workspace'))) {
      const there = line(spec)
      const body = spec.body === undefined ? {} : { body: { transition: 'start' } }
      const nowhere = await callApi(server, there.replace(workspace.id, randomUUID()), { token: stranger.token, ...body })
      expect([nowhere.status, nowhere.json], there).toEqual([404, NOT_FOUND.json])
    }
  })
})

/** A member of the organization, who is also what is said, or of none. */
async function holder(role: { site?: string; organization?: string; isMember?: boolean }): Promise<string> {
  const member = await createMember(server)
  const organizationRoles = role.organization === undefined ? [] : [`${role.organization}:${server.firstUser.organization_id}`]
  await runSql(server, 'update users set rbac_roles = $2 where id = $1', [member.id, role.site === undefined ? [] : [role.site]])
  await runSql(server, 'update organization_members set roles = $2 where user_id = $1', [member.id, organizationRoles])
  if (role.isMember === false) await runSql(server, 'delete from organization_members where user_id = $1', [member.id])
  return member.token
}

describe('who holds a role', () => {
  test.each([
    [{ site: 'owner' }, true, true],
    [{ site: 'owner', isMember: false }, true, true],
    [{ organization: 'organization-admin' }, true, true],
    [{ organization: 'organization-admin', isMember: false }, false, false],
    [{ site: 'template-admin' }, true, false],
    [{ site: 'template-admin', isMember: false }, true, false],
    [{ site: 'user-admin' }, false, false],
    [{ site: 'auditor' }, false, false],
    [{}, false, false],
  ])("%j: reads others' workspaces: %s, changes them: %s", async (role, mayRead, mayWrite) => {
    const token = await holder(role)
    for (const { spec, title } of reads) expect((await ask(spec, token)).status === 404, title).toBe(!mayRead)
    // A body that is no JSON changes nothing, and is read only once access is granted.
    for (const { spec, title } of writes.filter(({ spec: { body, bodyBeforeAccess } }) => body !== undefined && bodyBeforeAccess !== true))
      expect((await ask(spec, token, '{')).status, title).toBe(mayWrite ? 400 : 404)
    // Someone who may update the workspace but not cancel its builds learns that the build ended.
    const mayCancel = 'site' in role && role.site === 'owner'
    expect((await ask(api.builds.cancel, token)).status).toBe(mayCancel ? 412 : mayWrite ? 403 : 404)
    for (const transition of ['start', 'delete']) {
      const { status } = await callApi(server, `POST /workspaces/${workspace.id}/builds`, {
        token,
        body: { transition, template_version_id: randomUUID() },
      })
      expect(status, transition).toBe(mayWrite ? 400 : 404)
    }
  })

  test('an owner who has left the organization neither reads nor changes own workspaces', async () => {
    const left = await createMember(server)
    const own = await createWorkspace(server, template, { client: left.client })
    await runSql(server, 'delete from organization_members where user_id = $1', [left.id])
    expect((await callApi(server, `GET /workspaces/${own.id}`, { token: left.token })).status).toBe(404)
    expect((await callApi(server, `PUT /workspaces/${own.id}/ttl`, { token: left.token, body: {} })).status).toBe(404)
  })
})

describe('the owner', () => {
  test.each(reads)('$title: is let in', async ({ spec }) => {
    // The state and the log of a build included; what is not there is not forbidden.
    expect((await ask(spec, owner.token)).status).toBe(200)
  })
})
