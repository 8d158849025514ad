import { echoArchive } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, buildEnded, createTemplate, createVersion, createWorkspace, importEnded, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

/** The entries about one thing, oldest first. */
async function entriesOf(resourceId: string) {
  return await runSql(server, 'select * from audit_logs where resource_id = $1 order by time, id', [resourceId])
}

interface Written {
  readonly status: number
  readonly id: string
  readonly requestId: string
  readonly after: number
}

/** A write with a user agent of its own. */
async function write(method: string, path: string, body: unknown): Promise<Written> {
  const after = server.clock.now().getTime()
  const answer = await fetch(`${server.url}/api/v2${path}`, {
    method,
    headers: { 'Coder-Session-Token': server.firstUser.token, 'User-Agent': 'auditor/1.0' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  const { id = '' } = text === '' ? {} : (JSON.parse(text) as { id?: string }) // what was created
  return { status: answer.status, id, requestId: answer.headers.get('X-Coder-Request-Id') ?? '', after }
}

/** Who, when and from where, as every entry of a request has it. */
function origin({ requestId, status }: Written): Record<string, unknown> {
  return {
    user_id: server.firstUser.user_id,
    ip: '127.0.0.1',
    user_agent: 'auditor/1.0',
    request_id: requestId,
    status_code: status,
  }
}

function expectWithin(entry: Record<string, unknown> | undefined, { after }: Written): void {
  const time = Date.parse(String(entry?.['time']))
  expect(time).toBeGreaterThanOrEqual(after)
  expect(time).toBeLessThanOrEqual(server.clock.now().getTime())
}

const created = (value: unknown, zero: unknown = '') => ({ old: zero, new: value, secret: false })

test('creating a version and a template leaves version create, version write and template create', async () => {
  verifies('berth:records:who-when-where', 'templates:audit')
  const { hash } = await server.client.files.upload({ body: echoArchive() })
  const place = `/organizations/${server.firstUser.organization_id}`
  const version = await write('POST', `${place}/templateversions`, {
    name: 'first',
    storage_method: 'file',
    file_id: hash,
    provisioner: 'echo',
  })
  await importEnded(server.client, version.id)
  const name = uniqueName('audited')
  const template = await write('POST', `${place}/templates`, { name, template_version_id: version.id, default_ttl_ms: 60_000 })
  const organization_id = server.firstUser.organization_id
  const [versionCreate, versionWrite, ...rest] = await entriesOf(version.id)
  expect(rest).toEqual([])
  expect(versionCreate).toMatchObject({
    ...origin(version),
    organization_id,
    action: 'create',
    resource_type: 'template_version',
    resource_target: 'first',
    diff: { id: created(version.id), name: created('first'), created_by: created(server.firstUser.user_id) },
  })
  expectWithin(versionCreate, version)
  expect(versionWrite).toMatchObject({
    ...origin(template),
    action: 'write',
    resource_type: 'template_version',
    resource_target: 'first',
    diff: { template_id: created(template.id) },
  })
  const [templateCreate, ...more] = await entriesOf(template.id)
  expect(more).toEqual([])
  expect(templateCreate).toMatchObject({
    ...origin(template),
    organization_id,
    action: 'create',
    resource_type: 'template',
    resource_target: name,
    diff: {
      id: created(template.id),
      name: created(name),
      provisioner: created('echo'),
      active_version_id: created(version.id),
      default_ttl_ms: created(60_000, 0),
      created_by: created(server.firstUser.user_id),
      group_acl: created({ [organization_id]: ['read'] }, {}),
    },
  })
  expectWithin(templateCreate, template)
})

test('promoting a version and deleting a template are recorded with what was before', async () => {
  verifies('berth:records:who-when-where')
  const template = await createTemplate(server)
  const next = await createVersion(server, {}, template.id)
  const promoted = await write('PATCH', `/templates/${template.id}/versions`, { id: next.id })
  const deleted = await write('DELETE', `/templates/${template.id}`, undefined)
  const [, promote, remove] = await entriesOf(template.id)
  expect(promote).toMatchObject({
    ...origin(promoted),
    action: 'write',
    diff: { active_version_id: { old: template.active_version_id, new: next.id, secret: false } },
  })
  expect(remove).toMatchObject({ ...origin(deleted), action: 'delete', diff: { name: { old: template.name, new: '', secret: false } } })
})

test('creating, renaming and scheduling a workspace are recorded, with the fields that changed only', async () => {
  verifies('berth:records:who-when-where')
  const template = await createTemplate(server)
  const path = `/organizations/${server.firstUser.organization_id}/members/me/workspaces`
  const name = uniqueName('ws')
  const workspace = await write('POST', path, { template_id: template.id, name, ttl_ms: 3_600_000 })
  const renamed = await write('PATCH', `/workspaces/${workspace.id}`, { name: `${name}2` })
  const scheduled = await write('PUT', `/workspaces/${workspace.id}/autostart`, { schedule: 'CRON_TZ=UTC 30 9 * * 1-5' })
  const limited = await write('PUT', `/workspaces/${workspace.id}/ttl`, { ttl_ms: 7_200_000 })
  const entries = await entriesOf(workspace.id)
  expect(entries).toMatchObject([
    {
      ...origin(workspace),
      action: 'create',
      resource_type: 'workspace',
      resource_target: name,
      additional_fields: { workspaceOwner: 'testuser' },
      diff: {
        name: created(name),
        template_id: created(template.id),
        owner_id: created(server.firstUser.user_id),
        ttl_ms: created(3_600_000, 0),
      },
    },
    { ...origin(renamed), action: 'write', diff: { name: { old: name, new: `${name}2` } } },
    { ...origin(scheduled), action: 'write', diff: { autostart_schedule: created('CRON_TZ=UTC 30 9 * * 1-5') } },
    { ...origin(limited), action: 'write', diff: { ttl_ms: { old: 3_600_000, new: 7_200_000 } } },
  ])
  for (const [index, change] of [workspace, renamed, scheduled, limited].entries()) expectWithin(entries[index], change)
  expect(Object.keys(entries[1]?.['diff'] ?? {})).toEqual(['name'])
})

test('a build is recorded when it ends, with its job as the request, whoever asked for it, and no address', async () => {
  verifies('berth:records:who-when-where')
  const workspace = await createWorkspace(server, await createTemplate(server))
  const builds = [await buildEnded(server.client, workspace.latest_build.id)]
  for (const transition of ['stop', 'delete'] as const) builds.push(await build(server.client, workspace.id, transition))
  for (const { id, transition, job, build_number } of builds) {
    expect(await entriesOf(id)).toMatchObject([
      {
        action: transition,
        resource_type: 'workspace_build',
        resource_target: workspace.name,
        user_id: server.firstUser.user_id,
        request_id: job.id,
        ip: '',
        user_agent: '',
        status_code: 200,
        diff: {},
        additional_fields: { workspaceName: workspace.name, buildNumber: String(build_number) },
      },
    ])
  }
})

test('a build that fails is recorded with 500', async () => {
  const template = await createTemplate(server, { plan: [{ complete: {} }], apply: [{ complete: { error: 'no room left' } }] })
  const workspace = await createWorkspace(server, template)
  const { id, status } = await buildEnded(server.client, workspace.latest_build.id)
  expect(status).toBe('failed')
  expect(await entriesOf(id)).toMatchObject([{ action: 'start', status_code: 500 }])
})

test('creating people is recorded, and no password with it', async () => {
  verifies('berth:records:who-when-where')
  const [first] = await entriesOf(server.firstUser.user_id)
  expect(first).toMatchObject({ action: 'create', resource_type: 'user', resource_target: 'testuser', user_id: server.firstUser.user_id })
  const username = uniqueName('member')
  const body = { email: `${username}@example.com`, username, password: 'testpass', organization_id: server.firstUser.organization_id }
  const user = await write('POST', '/users', body)
  const [entry] = await entriesOf(user.id)
  expect(entry).toMatchObject({ ...origin(user), action: 'create', resource_type: 'user', diff: { username: created(username) } })
  expect(JSON.stringify([first, entry])).not.toMatch(/testpass|\$2[aby]\$|scrypt|pbkdf2/)
})

test('what is refused leaves an entry of the attempt, with its status and no change', async () => {
  const template = await createTemplate(server)
  const before = await entriesOf(template.id)
  const refused = await write('PATCH', `/templates/${template.id}/versions`, { id: server.firstUser.user_id })
  expect(refused.status).toBe(404)
  const after = await entriesOf(template.id)
  expect(after.slice(0, -1)).toEqual(before)
  expect(after.at(-1)).toMatchObject({ ...origin(refused), action: 'write', resource_target: template.name, diff: {} })
  expect(await server.client.templates.get({ params: { template: template.id } })).toEqual(template)
})

test('reading leaves no entry', async () => {
  const template = await createTemplate(server)
  const count = async (): Promise<unknown> => (await runSql(server, 'select count(*) from audit_logs'))[0]
  const before = await count()
  await server.client.templates.get({ params: { template: template.id } })
  await server.client.workspaces.list()
  expect(await count()).toEqual(before)
})
