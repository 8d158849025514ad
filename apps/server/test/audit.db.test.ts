import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { AuditLog } from '@berth/schema'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { build, buildEnded, createMember, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { callApi } from './call-api.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())
beforeEach(async () => {
  await runSql(server, 'delete from audit_logs')
})

async function search(q: string, limit = 25): Promise<{ logs: AuditLog[]; count: number }> {
  const { audit_logs, count } = await server.client.audit.list({ query: { q, limit } })
  return { logs: audit_logs, count }
}

async function entriesOf(resourceId: string): Promise<AuditLog[]> {
  return (await search(`resource_id:${resourceId}`)).logs
}

test('a generated entry is listed and counted', async () => {
  verifies('audit:generate')
  const resource_id = randomUUID()
  await server.client.audit.generateTest({ body: { resource_id } })
  const { audit_logs, count } = await server.client.audit.list({ query: { limit: 1 } })
  expect([audit_logs.length, count]).toEqual([1, 1])
  expect(audit_logs[0]).toMatchObject({
    resource_id,
    resource_type: 'user',
    action: 'write',
    status_code: 200,
    resource_target: 'testuser',
    organization_id: '00000000-0000-0000-0000-000000000000',
    diff: { foo: { old: 'bar', new: 'baz', secret: false } },
    user: { id: server.firstUser.user_id, username: 'testuser', organization_ids: [], last_seen_at: '0001-01-01T00:00:00Z' },
  })
})

test('who may only read the log writes no entry: 403', async () => {
  verifies('audit:generate-access')
  const auditor = await createMember(server, { roles: ['auditor'] })
  const { count } = await auditor.client.audit.list({ query: {} })
  for (const { client } of [auditor, await createMember(server, { roles: ['user-admin', 'template-admin'] })])
    await expect(client.audit.generateTest({ body: {} })).rejects.toMatchObject({ status: 403 })
  const { logs } = await search('resource_type:user action:write', 100)
  expect(logs.filter(({ diff }) => 'foo' in diff)).toHaveLength(0)
  expect((await auditor.client.audit.list({ query: {} })).count).toBeGreaterThanOrEqual(count)
})

test('outside of tests there is no such route, not even for owners', async () => {
  verifies('audit:generate-access')
  const plain = await startTestServer({ config: { echoProvisioner: false } })
  try {
    const { count } = await plain.client.audit.list({ query: {} })
    const { status, json } = await callApi(plain, 'POST /audit/testgenerate', { body: {} })
    expect([status, json.message]).toEqual([404, 'Route not found.'])
    expect((await plain.client.audit.list({ query: {} })).count).toBe(count)
  } finally {
    await plain.stop()
  }
})

test('an entry has the fields of the wire, and no column more', async () => {
  verifies('audit:fields')
  await server.client.audit.generateTest({ body: {} })
  const { json } = await callApi(server, 'GET /audit?limit=1')
  expect(Object.keys(json.audit_logs[0]).toSorted()).toEqual(Object.keys(AuditLog.properties).toSorted())
})

describe('searching', () => {
  beforeEach(async () => {
    const resource_id = server.firstUser.user_id
    const generate = async (body: object): Promise<void> => await server.client.audit.generateTest({ body })
    await generate({ action: 'create', resource_type: 'template', time: '2022-08-15T14:30:45Z' })
    await generate({ action: 'create', resource_type: 'user', resource_id, time: '2022-08-16T14:30:45Z' })
    await generate({ action: 'delete', resource_type: 'user', resource_id, time: '2022-08-15T14:30:45Z' })
  })

  test.each([
    ['', 3],
    ['action:create', 2],
    ['action:delete', 1],
    ['resource_type:user', 2],
    ['resource_type:template', 1],
    ['user', 2],
    ['email:testuser@coder.com', 3],
    ['email:TestUser@Coder.com', 3],
    ['email:coder.com', 0],
    ['username:testuser', 3],
    ['username:nobody', 0],
    ['invalid', 3],
    ['resource_type:invalid', 3],
    ['resource_type:group', 3],
    ['action:invalid', 3],
    ['action:start', 3],
    ['action:create date_from:2022-08-15 date_to:2022-08-15', 1],
    ['action:create date_from:2022-08-15', 2],
    ['action:create date_to:2022-08-15', 1],
    ['date_from:yesterday date_to:2022-02-30', 3],
    ['date_from:0000-01-01', 3],
    ['date_from:9999-12-31', 0],
    ['date_to:9999-12-31', 3],
  ])('%s finds %i', async (q, expected) => {
    verifies('audit:filter')
    const { logs, count } = await search(q)
    expect([logs.length, count]).toEqual([expected, expected])
  })

  test('the resource is found by its id, the newest entry first', async () => {
    verifies('audit:filter')
    const { logs, count } = await search(`resource_id:${server.firstUser.user_id}`)
    expect(count).toBe(2)
    expect(logs.map(({ action }) => action)).toEqual(['create', 'delete'])
  })

  test('without a limit nothing is listed and all is counted, also past the end', async () => {
    verifies('audit:limit')
    expect(await server.client.audit.list()).toEqual({ audit_logs: [], count: 3 })
    expect(await server.client.audit.list({ query: { limit: 0 } })).toEqual({ audit_logs: [], count: 3 })
    expect(await server.client.audit.list({ query: { limit: 5, offset: 9 } })).toEqual({ audit_logs: [], count: 3 })
    const { audit_logs } = await server.client.audit.list({ query: { limit: 2, offset: 2, after_id: randomUUID() } })
    expect(audit_logs).toHaveLength(1)
  })

  test.each([
    ['resource_id:x', 'resource_id'],
    ['a:b:c', 'q'],
    ['date_from:2022-08-16 date_to:2022-08-15', 'q'],
  ])('%s is refused', async (q, field) => {
    verifies('audit:bad-search')
    const { status, json } = await callApi(server, `GET /audit?limit=1&q=${encodeURIComponent(q)}`)
    expect([status, json.message, json.validations[0].field]).toEqual([400, 'Invalid audit search query.', field])
  })

  test('a bad page is reported before a bad search', async () => {
    verifies('audit:bad-search')
    const { status, json } = await callApi(server, 'GET /audit?limit=-1&q=a:b:c')
    expect([status, json.validations[0].field]).toEqual([400, 'limit'])
  })
})

test('the log is for owners and auditors; others get 403, from the generator too', async () => {
  verifies('audit:access')
  const member = await createMember(server)
  for (const line of ['GET /audit?limit=1', 'POST /audit/testgenerate']) {
    const { status } = await callApi(server, line, { token: member.token, ...(line.startsWith('POST') && { body: '{}' }) })
    expect([line, status]).toEqual([line, 403])
  }
  await runSql(server, `update users set rbac_roles = '{auditor}' where id = $1`, [member.id])
  expect((await member.client.audit.list({ query: { limit: 1 } })).audit_logs).toHaveLength(1)
})

describe('what is said of an entry', () => {
  test('workspaces and builds: description, link and whether they are gone', async () => {
    verifies('audit:description')
    const template = await createTemplate(server)
    const workspace = await createWorkspace(server, template, { ttl_ms: 3_600_000 })
    const { id: buildId } = await buildEnded(server.client, workspace.latest_build.id)
    const [created] = await entriesOf(workspace.id)
    expect(created).toMatchObject({
      description: '{user} created workspace {target}',
      resource_link: `/@testuser/${workspace.name}`,
      is_deleted: false,
      additional_fields: { workspaceOwner: 'testuser' },
      diff: { ttl: { old: 0, new: 3_600_000_000_000, secret: false } },
    })
    const [started] = await entriesOf(buildId)
    expect(started).toMatchObject({
      action: 'start',
      description: '{user} started build #1 for workspace {target}',
      resource_link: `/@testuser/${workspace.name}/builds/1`,
      request_id: expect.any(String) as string,
      ip: '',
      diff: {},
      is_deleted: false,
    })
    const deleted = await build(server.client, workspace.id, 'delete')
    expect((await entriesOf(deleted.id))[0]).toMatchObject({
      action: 'delete',
      description: '{user} deleted workspace {target}',
      resource_link: '',
      is_deleted: true,
    })
    expect((await entriesOf(workspace.id))[0]).toMatchObject({ resource_link: '', is_deleted: true })
  })

  test('templates and users', async () => {
    verifies('audit:description')
    const template = await createTemplate(server)
    expect((await entriesOf(template.id))[0]).toMatchObject({
      description: '{user} created template {target}',
      resource_link: `/templates/${template.name}`,
      organization_id: server.firstUser.organization_id,
    })
    const version = (await search('resource_type:template_version')).logs[0]
    expect(version).toMatchObject({ description: '{user} updated template version {target}', resource_link: '', is_deleted: false })
    const member = await createMember(server)
    expect((await entriesOf(member.id))[0]).toMatchObject({
      description: '{user} created user {target}',
      resource_link: `/users?filter=${member.username}`,
    })
  })

  test('what cannot be read of a build is unknown, and who is gone is null', async () => {
    verifies('audit:description')
    await server.client.audit.generateTest({ body: { resource_type: 'workspace_build', action: 'create' } })
    await runSql(server, `update audit_logs set additional_fields = '"?"', user_id = gen_random_uuid(), action = 'stop'`)
    const { logs } = await search('')
    expect(logs[0]).toMatchObject({
      user: null,
      description: '{user} stopped build for workspace {target}',
      additional_fields: { workspaceName: 'unknown', buildNumber: 'unknown', workspaceOwner: 'unknown' },
      is_deleted: true,
    })
  })
})

describe('what failed', () => {
  test('is recorded with its status and without a difference, whatever the reason', async () => {
    verifies('audit:failures')
    const template = await createTemplate(server)
    const workspace = await createWorkspace(server, template)
    const other = await createWorkspace(server, template)
    const member = await createMember(server)
    const attempts: readonly [line: string, body: unknown, token: string, status: number][] = [
      [`PATCH /workspaces/${workspace.id}`, { name: other.name }, server.firstUser.token, 409],
      [`PUT /workspaces/${workspace.id}/autostart`, { schedule: 'never' }, server.firstUser.token, 400],
      [`PUT /workspaces/${workspace.id}/ttl`, { ttl_ms: 'x' }, server.firstUser.token, 400],
      [`PUT /workspaces/${workspace.id}/ttl`, { ttl_ms: 3_600_000 }, member.token, 404],
    ]
    for (const [line, body, token, expected] of attempts)
      expect([line, (await callApi(server, line, { token, body: JSON.stringify(body) })).status]).toEqual([line, expected])
    const failed = (await entriesOf(workspace.id)).filter(({ status_code }) => status_code >= 400).toReversed()
    expect(failed.map(({ status_code, action, diff, user }) => [status_code, action, diff, user?.id])).toEqual(
      attempts.map(([, , token, status]) => [status, 'write', {}, token === member.token ? member.id : server.firstUser.user_id]),
    )
    expect(failed[0]).toMatchObject({ ip: '127.0.0.1', resource_target: workspace.name, organization_id: template.organization_id })
    const refused = await callApi(server, `DELETE /templates/${template.id}`)
    expect(refused.status).toBe(412)
    expect((await entriesOf(template.id))[0]).toMatchObject({ action: 'delete', status_code: 412, diff: {}, is_deleted: false })
  })

  test('is not recorded where nothing was known, nor for what is never recorded', async () => {
    verifies('audit:failures')
    const workspace = await createWorkspace(server, await createTemplate(server))
    const { count } = await search('')
    await callApi(server, `PATCH /workspaces/${randomUUID()}`, { body: JSON.stringify({ name: uniqueName() }) })
    await callApi(server, `PUT /workspaces/${workspace.id}/extend`, { body: '{}' })
    await callApi(server, `PATCH /workspaces/${workspace.id}`, { token: null, body: '{}' })
    expect((await search('action:write')).logs.filter(({ status_code }) => status_code >= 400)).toEqual([])
    expect(count).toBeGreaterThan(0)
  })
})

test('nothing is recorded where the setting turns the log off', async () => {
  verifies('audit:setting')
  const silent = await startTestServer({ config: { auditLogging: false } })
  try {
    await createTemplate(silent)
    expect(await silent.client.audit.list({ query: { limit: 10 } })).toEqual({ audit_logs: [], count: 0 })
  } finally {
    await silent.stop()
  }
})
