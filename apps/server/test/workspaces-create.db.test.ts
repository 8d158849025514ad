import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded, uniqueName } from './factories.ts'
import { callApi } from './call-api.ts'
import { eventually } from './eventually.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { storedParameters } from './stored-parameters.ts'

const HOUR_MS = 3_600_000
const NIL = '00000000-0000-0000-0000-000000000000'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const createPath = (): string => `POST /organizations/${server.firstUser.organization_id}/members/me/workspaces`

test('a new workspace is answered with 201, pending, with its first start build by its creator', async () => {
  verifies('rulings:create-answers-201', 'workspaces:get:initiator', 'rulings:deadline-is-time-or-null')
  const template = await createTemplate(server, {}, { icon: '/icon.svg', display_name: 'My template' })
  const name = uniqueName('ws')
  const { status, json } = await callApi(server, createPath(), { body: { template_id: template.id, name } })
  expect(status).toBe(201)
  expect(json).toMatchObject({
    name,
    owner_id: server.firstUser.user_id,
    owner_name: 'testuser',
    template_id: template.id,
    template_name: template.name,
    template_display_name: 'My template',
    template_icon: '/icon.svg',
    template_allow_user_cancel_workspace_jobs: false,
    outdated: false,
    last_used_at: '0001-01-01T00:00:00Z',
  })
  expect(json.latest_build).toMatchObject({
    build_number: 1,
    transition: 'start',
    reason: 'initiator',
    status: 'pending',
    deadline: null,
    resources: [],
    daily_cost: 0,
    workspace_id: json.id,
    workspace_name: name,
    workspace_owner_name: 'testuser',
    initiator_id: server.firstUser.user_id,
    initiator_name: 'testuser',
    template_version_id: template.active_version_id,
    template_version_name: '',
  })
  expect(json.latest_build.job).toMatchObject({ status: 'pending', tags: { scope: 'organization' } })
  expect(json.updated_at).toBe(json.created_at)
  expect(json).not.toHaveProperty('ttl_ms')
  expect(json).not.toHaveProperty('autostart_schedule')
  const read = await server.client.workspaces.get({ params: { workspace: json.id } })
  expect(read.latest_build).toMatchObject({ initiator_id: server.firstUser.user_id, reason: 'initiator' })
  expect(read.latest_build.template_version_name).not.toBe('')
})

test('somebody else who may creates a workspace for its owner', async () => {
  const template = await createTemplate(server)
  const member = await createMember(server)
  const workspace = await createWorkspace(server, template, { user: member.username })
  expect(workspace).toMatchObject({ owner_id: member.id, owner_name: member.username })
  expect(workspace.latest_build).toMatchObject({ initiator_id: server.firstUser.user_id, initiator_name: 'testuser' })
})

test('a member creates own workspaces, and none for others', async () => {
  const template = await createTemplate(server)
  const [member, other] = [await createMember(server), await createMember(server)]
  const own = await createWorkspace(server, template, { client: member.client })
  expect(own.owner_id).toBe(member.id)
  await expect(createWorkspace(server, template, { client: member.client, user: other.username })).rejects.toMatchObject({ status: 404 })
})

describe('the template', () => {
  test('has to exist', async () => {
    verifies('workspaces:create:unknown-template')
    const { status, json } = await callApi(server, createPath(), { body: { template_id: randomUUID(), name: uniqueName() } })
    expect(status).toBe(400)
    expect(json.validations).toEqual([{ field: 'template_id', detail: 'template not found' }])
  })

  test('that is deleted is 404 and named', async () => {
    verifies('workspaces:create:deleted-template')
    const template = await createTemplate(server)
    await server.client.templates.delete({ params: { template: template.id } })
    await expect(createWorkspace(server, template)).rejects.toMatchObject({ status: 404, message: expect.stringContaining(template.name) })
  })

  test('of another organization is 401, also for an Owner', async () => {
    verifies('workspaces:create:foreign-template')
    const template = await createTemplate(server)
    const organization = randomUUID()
    await runSql(server, `insert into organizations (id, name, created_at, updated_at) values ($1, $2, now(), now())`, [
      organization,
      uniqueName('org'),
    ])
    await runSql(
      server,
      `insert into organization_members (user_id, organization_id, created_at, updated_at) values ($1, $2, now(), now())`,
      [server.firstUser.user_id, organization],
    )
    const { status, json } = await callApi(server, `POST /organizations/${organization}/members/me/workspaces`, {
      body: { template_id: template.id, name: uniqueName() },
    })
    expect(status).toBe(401)
    expect(json.message).toContain('org-')
  })

  test('that the caller may not see is the generic 404', async () => {
    verifies('workspaces:create:template-access-list')
    const template = await createTemplate(server)
    const member = await createMember(server)
    await runSql(server, `update templates set group_acl = '{}' where id = $1`, [template.id])
    await expect(member.client.templates.get({ params: { template: template.id } })).rejects.toMatchObject({ status: 404 })
    const refused = createWorkspace(server, template, { client: member.client })
    await expect(refused).rejects.toMatchObject({ status: 404, message: expect.stringContaining('Resource not found') })
    await runSql(server, `update templates set user_acl = jsonb_build_object($2::text, '["read"]'::jsonb) where id = $1`, [
      template.id,
      member.id,
    ])
    expect((await createWorkspace(server, template, { client: member.client })).template_id).toBe(template.id)
  })

  test('whose active version failed to import is 412, one that is still importing 406', async () => {
    verifies('workspaces:create:failed-version')
    const template = await createTemplate(server)
    const failed = await createVersion(server, { plan: [{ complete: { error: 'boom' } }] }, template.id)
    await importEnded(server.client, failed.id)
    await runSql(server, 'update templates set active_version_id = $2 where id = $1', [template.id, failed.id])
    await expect(createWorkspace(server, template)).rejects.toMatchObject({ status: 412 })
    const hanging = await createVersion(server, { parse: [{ log: { output: 'still at it' } }] }, template.id)
    await runSql(server, 'update templates set active_version_id = $2 where id = $1', [template.id, hanging.id])
    await expect(createWorkspace(server, template)).rejects.toMatchObject({ status: 406 })
    await runSql(server, 'update provisioner_jobs set canceled_at = now(), completed_at = now() where id = $1', [hanging.job.id])
    await expect(createWorkspace(server, template)).rejects.toMatchObject({ status: 412 })
  })
})

describe('the name', () => {
  test('is free once for each owner, whatever its case', async () => {
    verifies('workspaces:create:taken-name')
    const template = await createTemplate(server)
    const name = uniqueName('Web')
    await createWorkspace(server, template, { name })
    for (const again of [name, name.toUpperCase()]) {
      const { status, json } = await callApi(server, createPath(), { body: { template_id: template.id, name: again } })
      expect(status).toBe(409)
      expect(json.validations).toEqual([{ field: 'name', detail: 'This value is already in use and should be unique.' }])
    }
    const member = await createMember(server)
    expect((await createWorkspace(server, template, { name, client: member.client })).name).toBe(name)
  })

  test('goes to one of many who ask at once', async () => {
    const template = await createTemplate(server)
    const name = uniqueName('race')
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => await callApi(server, createPath(), { body: { template_id: template.id, name } })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7)
  })

  test.each([
    ['{"template_id": "' + NIL + '", "name": "ok"}', [['template_id', `Validation failed for tag "required" with value: "${NIL}"`]]],
    [
      '{}',
      [
        ['template_id', `Validation failed for tag "required" with value: "${NIL}"`],
        ['name', 'Validation failed for tag "workspace_name" with value: ""'],
      ],
    ],
    [
      '{"template_id": "8a7f6d64-6f52-4a3e-8f77-0f5d0f0c9a11", "name": "a_b"}',
      [['name', 'Validation failed for tag "workspace_name" with value: "a_b"']],
    ],
  ])('and the template ID are validated: %s', async (body, expected) => {
    const { status, json } = await callApi(server, createPath(), { body })
    expect(status).toBe(400)
    expect(json.validations).toEqual(expected.map(([field, detail]) => ({ field, detail })))
  })
})

describe('the time until shutdown', () => {
  test("is the template's default where none is given; a value of its own wins", async () => {
    verifies('workspaces:create:template-ttl')
    const template = await createTemplate(server, {}, { default_ttl_ms: 24 * HOUR_MS })
    expect((await createWorkspace(server, template)).ttl_ms).toBe(24 * HOUR_MS)
    expect((await createWorkspace(server, template, { ttl_ms: null })).ttl_ms).toBe(24 * HOUR_MS)
    expect((await createWorkspace(server, template, { ttl_ms: 0 })).ttl_ms).toBe(24 * HOUR_MS)
    expect((await createWorkspace(server, template, { ttl_ms: HOUR_MS })).ttl_ms).toBe(HOUR_MS)
  })

  test('is left out where neither the template nor the request has one', async () => {
    verifies('workspaces:create:zero-ttl')
    const template = await createTemplate(server, {}, { default_ttl_ms: 0 })
    expect(await createWorkspace(server, template, { ttl_ms: 0 })).not.toHaveProperty('ttl_ms')
  })

  test('is at least a minute and at most seven days', async () => {
    verifies('workspaces:create:short-ttl')
    const template = await createTemplate(server)
    const refused = async (ttl_ms: number) =>
      (await callApi(server, createPath(), { body: { template_id: template.id, name: uniqueName(), ttl_ms } })).json
    expect((await refused(59_000)).validations).toEqual([{ field: 'ttl_ms', detail: 'time until shutdown must be at least one minute' }])
    expect((await refused(-HOUR_MS)).validations).toEqual([{ field: 'ttl_ms', detail: 'time until shutdown must be at least one minute' }])
    expect((await refused(7 * 24 * HOUR_MS + 60_000)).validations).toEqual([
      { field: 'ttl_ms', detail: 'time until shutdown must be less than 7 days' },
    ])
  })

  test('sets the deadline when the build has ended', async () => {
    const template = await createTemplate(server)
    const workspace = await createWorkspace(server, template, { ttl_ms: HOUR_MS })
    const { deadline, job } = await buildEnded(server.client, workspace.latest_build.id)
    expect(Date.parse(deadline ?? '') - Date.parse(job.completed_at ?? '')).toBe(HOUR_MS)
  })
})

test('the schedule is kept as it was sent, and refused under the name that it has elsewhere', async () => {
  const template = await createTemplate(server)
  const autostart_schedule = 'CRON_TZ=US/Central 30 9 * * 1-5'
  expect((await createWorkspace(server, template, { autostart_schedule })).autostart_schedule).toBe(autostart_schedule)
  expect(await createWorkspace(server, template, { autostart_schedule: '' })).not.toHaveProperty('autostart_schedule')
  const { status, json } = await callApi(server, createPath(), {
    body: { template_id: template.id, name: uniqueName(), autostart_schedule: 'soon' },
  })
  expect(status).toBe(400)
  expect(json.validations).toMatchObject([{ field: 'schedule' }])
})

function value(name: string, source_value: string): object {
  return { name, source_value, source_scheme: 'data', destination_scheme: 'provisioner_variable' }
}

test('parameters with a value are stored with the workspace, empty ones are not, and twice the same is refused', async () => {
  const template = await createTemplate(server)
  const create = async (parameter_values: unknown[]) =>
    await callApi(server, createPath(), { body: { template_id: template.id, name: uniqueName(), parameter_values } })
  const { json } = await create([value('region', 'eu'), value('size', '')])
  expect(await storedParameters(server, json.id)).toEqual([{ name: 'region', source_value: 'eu' }])
  expect((await create([value('region', 'eu'), value('region', 'us')])).status).toBe(400)
  expect((await create([{ ...value('region', 'eu'), source_scheme: 'none such' }])).status).toBe(400)
})

test('as many parameters as a request can hold are stored', async () => {
  const template = await createTemplate(server)
  const parameter_values = Array.from({ length: 7_000 }, (_, index) => value(`p${index}`, String(index)))
  const { status, json } = await callApi(server, createPath(), { body: { template_id: template.id, name: uniqueName(), parameter_values } })
  expect(status).toBe(201)
  const [row] = await runSql(server, 'select count(*)::int as count from parameter_values where scope_id = $1', [json.id])
  expect(row).toEqual({ count: 7_000 })
})

test('creating adds one audit entry that says who, what, when and from where', async () => {
  verifies('workspaces:create:audit', 'berth:records:who-when-where')
  const template = await createTemplate(server)
  const workspace = await createWorkspace(server, template)
  const entries = await runSql(server, 'select * from audit_logs where resource_id = $1', [workspace.id])
  expect(entries).toMatchObject([
    {
      action: 'create',
      resource_type: 'workspace',
      resource_target: workspace.name,
      user_id: server.firstUser.user_id,
      ip: expect.stringContaining('127.0.0.1'),
      status_code: 201,
      additional_fields: { workspaceOwner: 'testuser' },
    },
  ])
})

test('a request that is refused leaves nothing behind', async () => {
  const count = async () =>
    (
      await runSql(
        server,
        'select (select count(*) from workspaces) w, (select count(*) from provisioner_jobs) j, (select count(*) from audit_logs) a',
      )
    )[0]
  const template = await createTemplate(server)
  // Builds of the tests before write entries when they end.
  await eventually(async () => {
    const running = await runSql(server, 'select id from provisioner_jobs where completed_at is null')
    return running.length === 0 ? true : undefined
  })
  const before = await count()
  const parameter = { name: 'a', source_value: 'b', source_scheme: 'bogus', destination_scheme: 'none' }
  await callApi(server, createPath(), { body: { template_id: template.id, name: uniqueName(), parameter_values: [parameter] } })
  expect(await count()).toEqual(before)
})
