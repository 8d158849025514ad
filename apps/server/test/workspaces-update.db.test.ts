import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Template, Workspace } from '@berth/schema'
import { callApi, type ApiAnswer } from './call-api.ts'
import { build, buildEnded, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

let server: TestServer
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  template = await createTemplate(server)
})
afterAll(async () => await server.stop())

async function runningWorkspace(fields: { ttl_ms?: number; name?: string } = {}): Promise<Workspace> {
  const workspace = await createWorkspace(server, template, fields)
  await buildEnded(server.client, workspace.latest_build.id)
  return await read(workspace.id)
}

async function deletedWorkspace(): Promise<Workspace> {
  const workspace = await runningWorkspace()
  await build(server.client, workspace.id, 'delete')
  return workspace
}

async function read(id: string): Promise<Workspace> {
  return await server.client.workspaces.get({ params: { workspace: id }, query: { include_deleted: true } })
}

async function auditActions(id: string): Promise<unknown[]> {
  return (await runSql(server, 'select action, diff, status_code from audit_logs where resource_id = $1 order by time', [id])).slice(1)
}

async function rename(id: string, body: unknown): Promise<ApiAnswer> {
  return await callApi(server, `PATCH /workspaces/${id}`, { body })
}

async function setAutostart(id: string, body: unknown): Promise<ApiAnswer> {
  return await callApi(server, `PUT /workspaces/${id}/autostart`, { body })
}

async function setTtl(id: string, body: unknown): Promise<ApiAnswer> {
  return await callApi(server, `PUT /workspaces/${id}/ttl`, { body })
}

async function extend(id: string, deadline: string): Promise<ApiAnswer> {
  return await callApi(server, `PUT /workspaces/${id}/extend`, { body: { deadline } })
}

function inMs(ms: number): string {
  return new Date(server.clock.now().getTime() + ms).toISOString().replace(/\.?0*Z$/, 'Z')
}

async function deadlineOf(id: string): Promise<string | null> {
  return (await read(id)).latest_build.deadline
}

describe('a rename', () => {
  test('to a free name shows everywhere and moves no time', async () => {
    verifies('workspaces:rename:free-and-taken')
    const workspace = await runningWorkspace()
    const name = uniqueName('new')
    const { status, text } = await rename(workspace.id, { name })
    expect([status, text]).toEqual([204, ''])
    const renamed = await read(workspace.id)
    expect(renamed.name).toBe(name)
    expect(renamed.latest_build.workspace_name).toBe(name)
    expect(renamed.updated_at).toBe(workspace.updated_at)
    expect(await auditActions(workspace.id)).toMatchObject([{ action: 'write', diff: { name: { old: workspace.name, new: name } } }])
  })

  test("to another workspace's name is 409 in any case; the own name in other letters is free", async () => {
    const [one, two] = [await runningWorkspace({ name: uniqueName('one') }), await runningWorkspace({ name: uniqueName('two') })]
    for (const name of [two.name, two.name.toUpperCase()]) {
      const { status, json } = await rename(one.id, { name })
      expect(status).toBe(409)
      expect(json.validations).toMatchObject([{ field: 'name' }])
    }
    expect((await rename(one.id, { name: one.name.toUpperCase() })).status).toBe(204)
    expect((await read(one.id)).name).toBe(one.name.toUpperCase())
  })

  test('to the name it has does nothing, not even where the workspace is deleted; to another one that is 405', async () => {
    const workspace = await deletedWorkspace()
    expect((await rename(workspace.id, { name: workspace.name })).status).toBe(204)
    const { status, json } = await rename(workspace.id, { name: uniqueName() })
    expect(status).toBe(405)
    expect(json.message).toContain(workspace.name)
  })

  test('to the name of a deleted workspace is free', async () => {
    const [gone, workspace] = [await deletedWorkspace(), await runningWorkspace()]
    expect((await rename(workspace.id, { name: gone.name })).status).toBe(204)
  })

  test.each(['', 'a_b', 'a--b', '-a', 'a-', 'a b', 'é', 'a'.repeat(33), 'new\nline'])(
    'to %j is 400 under the rule of the wire',
    async (name) => {
      const { status, json } = await rename((await anyWorkspace()).id, { name })
      expect(status).toBe(400)
      expect(json.validations).toEqual([{ field: 'name', detail: `Validation failed for tag "username" with value: "${name}"` }])
    },
  )

  test('without a name is 400', async () => {
    expect((await rename((await anyWorkspace()).id, {})).json.validations).toMatchObject([{ field: 'name' }])
  })
})

let shared: Workspace | undefined
async function anyWorkspace(): Promise<Workspace> {
  return (shared ??= await runningWorkspace())
}

describe('autostart', () => {
  test.each([
    'CRON_TZ=Europe/Dublin 30 9 * * 1-5',
    '30 9 * * 1-5',
    'CRON_TZ=US/Central 0 9 * * MON,WED',
    '*/5 12-18 * * 1,3,6',
    '  30   9 * * 1  ',
  ])('keeps %j as it was sent', async (schedule) => {
    verifies('workspaces:autostart:stored-verbatim')
    const { id } = await anyWorkspace()
    const { status, text } = await setAutostart(id, { schedule })
    expect([status, text]).toEqual([204, ''])
    expect((await read(id)).autostart_schedule).toBe(schedule)
  })

  test.each([{ schedule: '' }, { schedule: null }, {}, null])('is cleared by %j', async (body) => {
    verifies('workspaces:autostart:clears-on-empty')
    const { id } = await anyWorkspace()
    await setAutostart(id, { schedule: '30 9 * * 1-5' })
    expect((await setAutostart(id, body)).status).toBe(204)
    expect(await read(id)).not.toHaveProperty('autostart_schedule')
  })

  const FIELDS = 'validate weekly schedule: expected schedule to consist of 5 fields with an optional CRON_TZ=<timezone> prefix'
  const STARS = 'validate weekly schedule: expected month and dom to be *'
  test.each([
    ['CRON_TZ=Imaginary/Place 30 9 * * 1-5', 'parse schedule: provided bad location Imaginary/Place: unknown time zone Imaginary/Place'],
    ['asdf asdf asdf ', FIELDS],
    ['CRON_TZ=Europe/Dublin 30 9 1-5', FIELDS],
    ['30 9 1-5', FIELDS],
    ['30 9 1 1 1-5', STARS],
    ['CRON_TZ=Europe/Dublin 30 9 1 1 1-5', STARS],
    ['CRON_TZ=Local 30 9 * * 1-5', 'schedules scoped to time.Local are not supported'],
    ['x 30 9 * * 1', 'parse schedule: expected exactly 5 fields, found 6: [x 30 9 * * 1]'],
    ['CRON_TZ=UTC\t30\t9\t*\t*\t1', undefined],
  ])('refuses %j in the exact words', async (schedule, detail) => {
    verifies('workspaces:autostart:exact-errors')
    const { id } = await anyWorkspace()
    const before = (await read(id)).autostart_schedule
    const { status, json } = await setAutostart(id, { schedule })
    expect(status).toBe(400)
    expect(json.validations).toMatchObject([{ field: 'schedule', ...(detail !== undefined && { detail }) }])
    expect((await read(id)).autostart_schedule).toBe(before)
  })

  test('of an unknown workspace is the generic 404', async () => {
    verifies('workspaces:autostart:unknown-workspace')
    const { status, json } = await setAutostart(randomUUID(), { schedule: null })
    expect([status, json.message]).toEqual([404, expect.stringContaining('Resource not found')])
  })

  test('adds one audit entry for each change, and one without a diff for each refusal', async () => {
    verifies('workspaces:autostart:audit')
    const workspace = await createWorkspace(server, template)
    await setAutostart(workspace.id, { schedule: '30 9 * * 1-5' })
    await setAutostart(workspace.id, { schedule: 'nonsense' })
    expect(await auditActions(workspace.id)).toMatchObject([
      { action: 'write', status_code: 204, diff: { autostart_schedule: { new: '30 9 * * 1-5' } } },
      { action: 'write', status_code: 400, diff: {} },
    ])
  })

  test('may be set on a deleted workspace', async () => {
    expect((await setAutostart((await deletedWorkspace()).id, { schedule: '30 9 * * 1-5' })).status).toBe(204)
  })
})

describe('the time until shutdown', () => {
  test.each([
    [MINUTE_MS, MINUTE_MS],
    [12 * HOUR_MS, 12 * HOUR_MS],
    [7 * DAY_MS, 7 * DAY_MS],
    [7 * DAY_MS + 59_999, 7 * DAY_MS],
    [90_000, MINUTE_MS],
  ])('%i ms is stored as %i', async (ttl_ms, stored) => {
    verifies('workspaces:ttl:stored')
    const { id } = await anyWorkspace()
    const { status, text } = await setTtl(id, { ttl_ms })
    expect([status, text]).toEqual([204, ''])
    expect((await read(id)).ttl_ms).toBe(stored)
  })

  test.each([{ ttl_ms: null }, { ttl_ms: 0 }, {}])('is removed by %j, whatever the template says', async (body) => {
    verifies('workspaces:ttl:null-clears')
    const withDefault = await createTemplate(server, {}, { default_ttl_ms: 8 * HOUR_MS })
    const { id } = await createWorkspace(server, withDefault)
    expect((await setTtl(id, body)).status).toBe(204)
    expect(await read(id)).not.toHaveProperty('ttl_ms')
  })

  test.each([
    [30_000, 'time until shutdown must be at least one minute'],
    [1, 'time until shutdown must be at least one minute'],
    [-HOUR_MS, 'time until shutdown must be at least one minute'],
    [7 * DAY_MS + MINUTE_MS, 'time until shutdown must be less than 7 days'],
    [Number.MAX_SAFE_INTEGER, 'time until shutdown must be less than 7 days'],
  ])('%i ms is refused', async (ttl_ms, detail) => {
    verifies('workspaces:ttl:bounds')
    const { status, json } = await setTtl((await anyWorkspace()).id, { ttl_ms })
    expect(status).toBe(400)
    expect(json.validations).toEqual([{ field: 'ttl_ms', detail }])
  })

  test.each(['{"ttl_ms": 1.5}', '{"ttl_ms": 1e3}', '{"ttl_ms": "60000"}', '{"ttl_ms": 99999999999999999999}', '', '{'])(
    'the body %s is no JSON of it',
    async (body) => {
      const { status, json } = await setTtl((await anyWorkspace()).id, body)
      expect(status).toBe(400)
      expect(json).not.toHaveProperty('validations')
    },
  )

  test('of an unknown workspace is the generic 404', async () => {
    verifies('workspaces:ttl:unknown-workspace')
    const { status, json } = await setTtl(randomUUID(), { ttl_ms: null })
    expect([status, json.message]).toEqual([404, expect.stringContaining('Resource not found')])
  })

  test('does not touch the deadline of a running build, and counts from the next', async () => {
    const workspace = await runningWorkspace({ ttl_ms: 2 * HOUR_MS })
    await setTtl(workspace.id, { ttl_ms: 5 * HOUR_MS })
    expect((await read(workspace.id)).latest_build.deadline).toBe(workspace.latest_build.deadline)
    const next = await build(server.client, workspace.id, 'start')
    expect(Date.parse(next.deadline ?? '') - Date.parse(next.job.completed_at ?? '')).toBe(5 * HOUR_MS)
  })

  test('adds one audit entry for each change', async () => {
    verifies('workspaces:ttl:audit')
    const workspace = await createWorkspace(server, template)
    for (const ttl_ms of [12 * HOUR_MS, null]) await setTtl(workspace.id, { ttl_ms })
    expect(await auditActions(workspace.id)).toMatchObject([
      { action: 'write', diff: { ttl_ms: { new: 12 * HOUR_MS } } },
      { action: 'write', diff: { ttl_ms: { old: 12 * HOUR_MS } } },
    ])
  })
})

describe('extending', () => {
  test('moves the deadline, later and earlier, and leaves the time of the change alone', async () => {
    verifies('workspaces:extend:moves-deadline', 'workspaces:extend:earlier')
    const workspace = await runningWorkspace({ ttl_ms: 8 * HOUR_MS })
    for (const ms of [9 * HOUR_MS, 7 * HOUR_MS, 400 * DAY_MS]) {
      const deadline = inMs(ms)
      const { status, json } = await extend(workspace.id, deadline)
      expect(status).toBe(200)
      expect(json.message).toContain(deadline.replace(/\.\d+/, ''))
      expect(await deadlineOf(workspace.id)).toBe(deadline)
    }
    expect((await read(workspace.id)).latest_build.updated_at).toBe(workspace.latest_build.updated_at)
  })

  test('takes any zone and shows UTC', async () => {
    const { id } = await runningWorkspace({ ttl_ms: 8 * HOUR_MS })
    const { json } = await extend(id, '2099-06-01T12:00:00.5+02:00')
    expect(json.message).toContain('2099-06-01T10:00:00Z')
    expect(await deadlineOf(id)).toBe('2099-06-01T10:00:00.5Z')
  })

  test('to half an hour from now passes, to a quarter does not', async () => {
    verifies('workspaces:extend:half-an-hour', 'workspaces:extend:too-soon')
    const { id } = await runningWorkspace({ ttl_ms: 8 * HOUR_MS })
    expect((await extend(id, inMs(30 * MINUTE_MS))).status).toBe(200)
    const before = await deadlineOf(id)
    for (const ms of [15 * MINUTE_MS, 28 * MINUTE_MS, -HOUR_MS]) {
      const { status, json } = await extend(id, inMs(ms))
      expect(status).toBe(400)
      expect(json).toEqual({ message: 'Cannot extend workspace: new deadline must be at least 30 minutes in the future' })
    }
    expect(await deadlineOf(id)).toBe(before)
  })

  test.each(['{"deadline": "0001-01-01T00:00:00Z"}', '{}', 'null'])('to the zero time is 400: %s', async (body) => {
    verifies('workspaces:extend:zero-time')
    const { status, json } = await callApi(server, `PUT /workspaces/${(await anyWorkspace()).id}/extend`, { body })
    expect(status).toBe(400)
    expect(json.validations).toEqual([
      { field: 'deadline', detail: 'Validation failed for tag "required" with value: "0001-01-01 00:00:00 +0000 UTC"' },
    ])
  })

  test.each(['2099-06-01 12:00:00Z', '2099-06-01T12:00:00', '2099-06-01t12:00:00z', '2099-13-01T12:00:00Z', 'tomorrow'])(
    'to %j is 400',
    async (deadline) => {
      expect((await extend((await anyWorkspace()).id, deadline)).status).toBe(400)
    },
  )

  test('is 409 while it is built, if it has no deadline, and if it is not started', async () => {
    const hanging = await createTemplate(server, { plan: [{ complete: {} }], apply: [{ log: { output: 'working' } }] })
    const building = await createWorkspace(server, hanging, { ttl_ms: HOUR_MS })
    const manual = await runningWorkspace()
    const stopped = await runningWorkspace({ ttl_ms: HOUR_MS })
    await build(server.client, stopped.id, 'stop')
    const deleted = await deletedWorkspace()
    for (const [id, reason] of [
      [building.id, 'being built'],
      [manual.id, 'has no deadline'],
      [stopped.id, 'stop'],
      [deleted.id, 'delete'],
    ] as const) {
      const { status, json } = await extend(id, inMs(9 * HOUR_MS))
      expect(status).toBe(409)
      expect(json.message).toContain(reason)
    }
    await runSql(server, `update provisioner_jobs set completed_at = now() where id = $1`, [building.latest_build.job.id])
  })
})
