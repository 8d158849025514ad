import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Template, Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi, type ApiAnswer } from './call-api.ts'
import { eventually } from './eventually.ts'
import {
  build,
  buildEnded,
  createMember,
  createTemplate,
  createVersion,
  createWorkspace,
  importEnded,
  uniqueName,
  type Member,
} from './factories.ts'
import { holdBuilds } from './hold-builds.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { storedParameters } from './stored-parameters.ts'

const HOUR_MS = 3_600_000
const NOT_FOUND = { message: expect.stringContaining('Resource not found') }
const HANGING = { plan: [{ complete: {} }], apply: [{ log: { output: 'working' } }] }

let server: TestServer
let template: Template
let member: Member
beforeAll(async () => {
  server = await startTestServer({ config: { provisionerDaemons: 6 } })
  template = await createTemplate(server)
  member = await createMember(server)
})
afterAll(async () => await server.stop())

async function running(of: Template = template, fields: Parameters<typeof createWorkspace>[2] = {}): Promise<Workspace> {
  const workspace = await createWorkspace(server, of, fields)
  await buildEnded(server.client, workspace.latest_build.id)
  return workspace
}

async function order(id: string, body: unknown, token?: string): Promise<ApiAnswer> {
  return await callApi(server, `POST /workspaces/${id}/builds`, { body, ...(token !== undefined && { token }) })
}

async function cancel(id: string, token?: string): Promise<ApiAnswer> {
  return await callApi(server, `PATCH /workspacebuilds/${id}/cancel`, token === undefined ? {} : { token })
}

/** A workspace whose first build is under way and does not end by itself. */
async function building(fields: { allow_user_cancel_workspace_jobs?: boolean } = {}, client = server.client): Promise<Workspace> {
  const workspace = await createWorkspace(server, await createTemplate(server, HANGING, fields), { client })
  await eventually(async () =>
    (await callApi(server, `GET /workspaces/${workspace.id}`)).json.latest_build.status === 'starting' ? true : undefined,
  )
  return workspace
}

/** Ends what would not end by itself, as a worker does. */
async function end(jobId: string): Promise<void> {
  await runSql(server, `update provisioner_jobs set completed_at = now(), error = 'ended by the test' where id = $1`, [jobId])
}

function parameter(name: string, source_value: string): object {
  return { name, source_value, source_scheme: 'data', destination_scheme: 'none' }
}

async function stateOf(buildId: string): Promise<{ contentType: string | null; bytes: Buffer }> {
  const response = await fetch(`${server.url}/api/v2/workspacebuilds/${buildId}/state`, {
    headers: { 'Coder-Session-Token': server.firstUser.token },
  })
  return { contentType: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) }
}

describe('a new build', () => {
  test('has the next number, is pending, and is by whoever asked for it', async () => {
    verifies('builds:create:next-number')
    const { id, name, latest_build } = await running()
    const { status, json } = await order(id, { transition: 'start' })
    expect(status).toBe(201)
    expect(json).toMatchObject({
      build_number: 2,
      transition: 'start',
      status: 'pending',
      reason: 'initiator',
      initiator_name: 'testuser',
      deadline: null,
      resources: [],
      template_version_id: latest_build.template_version_id,
      template_version_name: '',
      workspace_id: id,
      workspace_name: name,
    })
    expect((await buildEnded(server.client, json.id)).status).toBe('running')
  })

  test('takes the version it is given, also of another template, else that of the build before', async () => {
    const [workspace, other] = [await running(), await createTemplate(server)]
    const { json } = await order(workspace.id, { transition: 'start', template_version_id: other.active_version_id })
    expect(json.template_version_id).toBe(other.active_version_id)
    await buildEnded(server.client, json.id)
    expect((await build(server.client, workspace.id, 'stop')).template_version_id).toBe(other.active_version_id)
  })

  test('of an unknown version is 400, of one that belongs to no template too', async () => {
    verifies('builds:create:unknown-version')
    const { id } = await running()
    const loose = await createVersion(server)
    await importEnded(server.client, loose.id)
    for (const template_version_id of [randomUUID(), loose.id]) {
      const { status, json } = await order(id, { transition: 'start', template_version_id })
      expect(status).toBe(400)
      expect(json.validations).toEqual([{ field: 'template_version_id', detail: 'template version not found' }])
    }
  })

  test('of a version that is still imported is 406, of one that failed or was canceled 412', async () => {
    const { id } = await running()
    const failed = await createVersion(server, { plan: [{ complete: { error: 'boom' } }] }, template.id)
    await importEnded(server.client, failed.id)
    expect(await order(id, { transition: 'start', template_version_id: failed.id })).toMatchObject({
      status: 412,
      json: { message: expect.stringContaining('boom') },
    })
    const hanging = await createVersion(server, { parse: [{ log: { output: 'working' } }] }, template.id)
    expect((await order(id, { transition: 'start', template_version_id: hanging.id })).status).toBe(406)
    await runSql(server, 'update provisioner_jobs set canceled_at = now(), completed_at = now() where id = $1', [hanging.job.id])
    expect((await order(id, { transition: 'start', template_version_id: hanging.id })).status).toBe(412)
  })

  test('while another one waits, runs or is being canceled is 409', async () => {
    verifies('builds:create:active')
    const held = await createTemplate(server)
    const letGo = await holdBuilds(server, held)
    const waiting = await createWorkspace(server, held)
    expect((await order(waiting.id, { transition: 'start' })).status).toBe(409)
    await letGo()
    const busy = await building()
    expect((await order(busy.id, { transition: 'stop' })).status).toBe(409)
    await cancel(busy.latest_build.id)
    expect((await order(busy.id, { transition: 'stop' })).status).toBe(409)
    await end(busy.latest_build.job.id)
    expect((await order(busy.id, { transition: 'delete' })).status).toBe(201)
  })

  test('is one, of many that are asked for at once', async () => {
    const { id } = await running()
    const letGo = await holdBuilds(server, template)
    const answers = await Promise.all(Array.from({ length: 8 }, async () => await order(id, { transition: 'stop' })))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7)
    await letGo()
  })

  test.each([
    ['{"transition": "Start"}', 'Start'],
    ['{"transition": "restart"}', 'restart'],
    ['{}', ''],
    ['null', ''],
  ])('needs a transition: %s', async (body, value) => {
    const { status, json } = await order((await anyWorkspace()).id, body)
    expect(status).toBe(400)
    expect(json.validations).toEqual([{ field: 'transition', detail: `Validation failed for tag "oneof" with value: "${value}"` }])
  })

  test('cannot be a create', async () => {
    verifies('rulings:transition-create-refused')
    expect((await order((await anyWorkspace()).id, { transition: 'create' })).status).toBe(400)
  })

  test('is refused by its body before by its caller', async () => {
    const { id } = await anyWorkspace()
    expect((await order(id, '{', member.token)).status).toBe(400)
    for (const transition of ['start', 'stop', 'delete'])
      expect(await order(id, { transition }, member.token)).toMatchObject({ status: 404, json: NOT_FOUND })
  })

  test('replaces the parameters that it names, and keeps the others', async () => {
    const { id } = await running()
    const first = await order(id, { transition: 'start', parameter_values: [parameter('region', 'eu'), parameter('size', 'big')] })
    await buildEnded(server.client, first.json.id)
    const second = await order(id, { transition: 'start', parameter_values: [parameter('size', '')] })
    await buildEnded(server.client, second.json.id)
    expect(await storedParameters(server, id)).toEqual([
      { name: 'region', source_value: 'eu' },
      { name: 'size', source_value: '' },
    ])
    expect((await order(id, { transition: 'start', parameter_values: [parameter('a', '1'), parameter('a', '2')] })).status).toBe(400)
  })

  test('may follow any other, also on a workspace that is deleted', async () => {
    const { id } = await running()
    for (const transition of ['stop', 'stop', 'delete', 'start'] as const)
      expect((await build(server.client, id, transition)).job.status).toBe('succeeded')
    expect((await callApi(server, `GET /workspaces/${id}`)).status).toBe(410)
  })
})

let shared: Workspace | undefined
async function anyWorkspace(): Promise<Workspace> {
  return (shared ??= await running())
}

test('a delete takes the workspace from the list once it has completed, and one that fails leaves it', async () => {
  verifies('builds:create:delete')
  const { id, name } = await running()
  const deletion = await build(server.client, id, 'delete')
  expect(deletion).toMatchObject({ build_number: 2, status: 'deleted' })
  expect((await callApi(server, `GET /workspaces?name=${name}`)).json.count).toBe(0)
  const failing = await createTemplate(server, { plan: [{ complete: {} }], apply: [{ complete: { error: 'cannot' } }] })
  const kept = await running(failing)
  expect((await build(server.client, kept.id, 'delete')).status).toBe('failed')
  expect((await callApi(server, `GET /workspaces/${kept.id}`)).json.latest_build).toMatchObject({
    status: 'failed',
    job: { error: expect.stringContaining('cannot') },
  })
})

describe('the state of the provisioner', () => {
  const bytes = Buffer.from([0, 255, 10, 13, 123])
  const encoded = bytes.toString('base64')

  test('that the provisioner returned is readable, byte for byte, and begins the next build', async () => {
    verifies('builds:state:readable')
    const stateful = await createTemplate(server, { apply: [{ complete: { state: bytes } }] })
    const workspace = await running(stateful)
    expect(await stateOf(workspace.latest_build.id)).toEqual({ contentType: 'application/json', bytes })
    const letGo = await holdBuilds(server, stateful)
    const { json } = await order(workspace.id, { transition: 'stop' })
    expect((await stateOf(json.id)).bytes).toEqual(bytes)
    await letGo()
    expect(await stateOf((await anyWorkspace()).latest_build.id)).toMatchObject({ bytes: Buffer.alloc(0) })
  })

  test('that an Owner passes is the one of the build, on a delete too, as base64 or as numbers', async () => {
    verifies('builds:create:state-kept', 'builds:create:state-on-delete')
    const own = await createTemplate(server)
    const { id } = await running(own)
    const letGo = await holdBuilds(server, own)
    for (const [transition, state] of [
      ['start', encoded],
      ['delete', [...bytes]],
    ] as const) {
      const { status, json } = await order(id, { transition, state })
      expect(status).toBe(201)
      expect((await stateOf(json.id)).bytes).toEqual(bytes)
      await end(json.job.id)
    }
    await letGo()
    expect((await order(id, { transition: 'start', state: 'no base64!' })).status).toBe(400)
  })

  test('is not for plain members to pass, not even an empty one, nor to orphan', async () => {
    verifies('builds:create:state-by-member')
    const { id } = await running(template, { client: member.client })
    for (const body of [
      { transition: 'start', state: encoded },
      { transition: 'start', state: '' },
      { transition: 'delete', orphan: true },
    ])
      expect((await order(id, body, member.token)).status).toBe(403)
    expect((await order(id, { transition: 'start', state: null, orphan: false }, member.token)).status).toBe(201)
  })

  test('is forgotten by an orphaning delete, which takes no state and no other transition', async () => {
    verifies('builds:create:state-and-orphan', 'builds:create:orphan', 'rulings:orphan-needs-delete')
    const stateful = await createTemplate(server, { apply: [{ complete: { state: bytes } }] })
    const { id } = await running(stateful)
    expect((await order(id, { transition: 'delete', orphan: true, state: encoded })).status).toBe(400)
    for (const transition of ['start', 'stop']) expect((await order(id, { transition, orphan: true })).status).toBe(400)
    const letGo = await holdBuilds(server, stateful)
    const { json } = await order(id, { transition: 'delete', orphan: true })
    expect((await stateOf(json.id)).bytes).toHaveLength(0)
    await letGo()
    await buildEnded(server.client, json.id)
    expect((await callApi(server, `GET /workspaces/${id}`)).status).toBe(410)
  })

  test('that a failing build leaves is kept, and takes the deadline away', async () => {
    const failing = await createTemplate(server, { plan: [{ complete: {} }], apply: [{ complete: { error: 'half way', state: bytes } }] })
    const { id, latest_build } = await running(failing, { ttl_ms: HOUR_MS })
    expect((await stateOf(latest_build.id)).bytes).toEqual(bytes)
    expect((await callApi(server, `GET /workspaces/${id}`)).json.latest_build).toMatchObject({
      status: 'failed',
      deadline: null,
      job: { error: 'half way' },
    })
  })
})

test('the status goes from pending to running, stopped, canceled and deleted with the builds, and each end is recorded', async () => {
  verifies('builds:status:walk', 'builds:status:audit', 'provisioner:complete')
  const own = await createTemplate(server)
  const statusOf = async (id: string) => (await callApi(server, `GET /workspaces/${id}?include_deleted=true`)).json.latest_build.status
  const workspace = await createWorkspace(server, own)
  expect(workspace.latest_build.status).toBe('pending')
  await buildEnded(server.client, workspace.latest_build.id)
  expect(await statusOf(workspace.id)).toBe('running')
  const stop = await build(server.client, workspace.id, 'stop')
  expect(await statusOf(workspace.id)).toBe('stopped')
  expect(
    await runSql(server, 'select action, status_code, additional_fields, request_id from audit_logs where resource_id = $1', [stop.id]),
  ).toEqual([
    { action: 'stop', status_code: 200, additional_fields: { workspaceName: workspace.name, buildNumber: '2' }, request_id: stop.job.id },
  ])
  const letGo = await holdBuilds(server, own)
  const { json } = await order(workspace.id, { transition: 'start' })
  expect((await cancel(json.id)).status).toBe(200)
  expect(await statusOf(workspace.id)).toBe('canceled')
  await letGo()
  await build(server.client, workspace.id, 'delete')
  expect(await statusOf(workspace.id)).toBe('deleted')
})

describe('canceling', () => {
  test('a running build reads as canceling, without an error, and twice is 412', async () => {
    verifies('builds:cancel:running')
    const { latest_build } = await building()
    const { status, json } = await cancel(latest_build.id)
    expect([status, Object.keys(json)]).toEqual([200, ['message']])
    const read = (await callApi(server, `GET /workspacebuilds/${latest_build.id}`)).json
    expect(read).toMatchObject({ status: 'canceling', job: { status: 'canceling', canceled_at: expect.any(String) } })
    expect(read.job).not.toHaveProperty('error')
    expect(read.job).not.toHaveProperty('completed_at')
    expect((await cancel(latest_build.id)).status).toBe(412)
    await end(latest_build.job.id)
  })

  test('a build that has ended is 412', async () => {
    verifies('builds:cancel:ended')
    const { latest_build } = await anyWorkspace()
    expect((await cancel(latest_build.id)).status).toBe(412)
  })

  test('a pending build ends it at once: it never runs, and the workspace can be built again', async () => {
    verifies('builds:cancel:pending', 'rulings:canceled-pending-job-never-runs')
    const own = await createTemplate(server)
    const letGo = await holdBuilds(server, own)
    const workspace = await createWorkspace(server, own)
    expect((await cancel(workspace.latest_build.id)).status).toBe(200)
    const read = async () => (await callApi(server, `GET /workspacebuilds/${workspace.latest_build.id}`)).json
    expect((await read()).job).toMatchObject({ status: 'canceled', canceled_at: expect.any(String), completed_at: expect.any(String) })
    expect((await cancel(workspace.latest_build.id)).status).toBe(412)
    await letGo()
    expect((await build(server.client, workspace.id, 'start')).status).toBe('running')
    expect((await read()).job).not.toHaveProperty('started_at')
    expect((await callApi(server, `GET /workspacebuilds/${workspace.latest_build.id}/logs`)).json).toEqual([])
  })

  test('is for Owners, and for those who may update the workspace where the template allows it', async () => {
    verifies('builds:cancel:not-allowed')
    const forbidden = await building({}, member.client)
    expect((await cancel(forbidden.latest_build.id, member.token)).status).toBe(403)
    const admin = await createMember(server)
    await runSql(server, 'update organization_members set roles = $2 where user_id = $1', [
      admin.id,
      [`organization-admin:${server.firstUser.organization_id}`],
    ])
    expect((await cancel(forbidden.latest_build.id, admin.token)).status).toBe(403)
    const stranger = await createMember(server)
    expect((await cancel(forbidden.latest_build.id, stranger.token)).status).toBe(404)
    expect((await cancel(forbidden.latest_build.id)).status).toBe(200)
    const allowed = await building({ allow_user_cancel_workspace_jobs: true }, member.client)
    expect((await cancel(allowed.latest_build.id, member.token)).status).toBe(200)
    for (const { latest_build } of [forbidden, allowed]) await end(latest_build.job.id)
  })
})

test('the status of a job follows from its times and its error', async () => {
  verifies('builds:job-status:derived')
  const { id } = await running(template, { name: uniqueName('job') })
  const { job } = (await callApi(server, `GET /workspaces/${id}`)).json.latest_build
  const set = async (columns: string): Promise<unknown> => {
    await runSql(
      server,
      'update provisioner_jobs set started_at = null, canceled_at = null, completed_at = null, error = null where id = $1',
      [job.id],
    )
    await runSql(server, `update provisioner_jobs set ${columns} where id = $1`, [job.id])
    return (await callApi(server, `GET /workspaces/${id}`)).json.latest_build.job.status
  }
  const fresh = `updated_at = '${new Date().toISOString()}', worker_id = (select id from provisioner_daemons limit 1)`
  for (const [columns, status] of [
    ['error = null', 'pending'],
    ['canceled_at = now()', 'canceling'],
    [`canceled_at = now(), completed_at = now(), error = 'x'`, 'failed'],
    ['canceled_at = now(), completed_at = now()', 'canceled'],
    [`started_at = now(), ${fresh}`, 'running'],
    [`started_at = now(), completed_at = now(), error = 'x'`, 'failed'],
    ['started_at = now(), completed_at = now()', 'succeeded'],
  ] as const) {
    await runSql(server, `update provisioner_jobs set tags = '{"nobody": "takes it"}' where id = $1`, [job.id])
    expect(await set(columns), columns).toBe(status)
  }
})
