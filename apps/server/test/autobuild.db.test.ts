import { verifies } from '@berth/requirements'
import type { Template, Workspace, WorkspaceBuild } from '@berth/schema'
import { nextStart, parseSchedule } from '@berth/schema/rules'
import { watchWorkspace } from '@berth/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { build, buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const TTL_MS = 8 * HOUR_MS

let server: TestServer
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  template = await createTemplate(server)
})
afterAll(async () => await server.stop())

/** A schedule that fires once a day, the next time in about two hours. */
function scheduleSoon(): string {
  const at = new Date(server.clock.now().getTime() + 2 * HOUR_MS)
  return `CRON_TZ=UTC ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
}

/** Moves the server to a minute and returns the workspace's latest build once it has ended. */
async function tick({ id }: Workspace, at: Date | number): Promise<WorkspaceBuild> {
  await server.server.tickAutobuild(new Date(at))
  const { latest_build } = await server.client.workspaces.get({ params: { workspace: id }, query: { include_deleted: true } })
  return await buildEnded(server.client, latest_build.id)
}

async function running(
  fields: Parameters<typeof createWorkspace>[2] = {},
): Promise<{ workspace: Workspace; started: WorkspaceBuild; deadline: number }> {
  const workspace = await createWorkspace(server, template, fields)
  const started = await buildEnded(server.client, workspace.latest_build.id)
  return { workspace, started, deadline: started.deadline === null ? Number.NaN : Date.parse(started.deadline) }
}

async function stopped(fields: Parameters<typeof createWorkspace>[2] = {}): Promise<{ workspace: Workspace; stop: WorkspaceBuild }> {
  const { workspace } = await running(fields)
  return { workspace, stop: await build(server.client, workspace.id, 'stop') }
}

/** When the schedule of a stopped workspace fires. */
function firesAt(schedule: string, stop: WorkspaceBuild): number {
  return nextStart(parseSchedule(schedule), new Date(stop.created_at))?.getTime() ?? Number.NaN
}

const setTtl = async (workspace: string, ttl_ms: number | null) =>
  await server.client.workspaces.updateTTL({ params: { workspace }, body: { ttl_ms } })
const extend = async (workspace: string, deadline: number) =>
  await server.client.workspaces.extend({ params: { workspace }, body: { deadline: new Date(deadline).toISOString() } })

describe('a stopped workspace with a schedule', () => {
  test('starts when its schedule fires, for its owner and with the reason autostart', async () => {
    verifies('autobuild:start:due')
    const schedule = scheduleSoon()
    const member = await createMember(server)
    const { workspace, stop } = await stopped({ autostart_schedule: schedule, user: member.username })
    expect(stop.initiator_id).toBe(server.firstUser.user_id)
    const start = await tick(workspace, firesAt(schedule, stop))
    expect(start).toMatchObject({ build_number: 3, transition: 'start', reason: 'autostart', status: 'running', initiator_id: member.id })
    expect(start.template_version_id).toBe(stop.template_version_id)
  })

  test('stays stopped a minute before', async () => {
    verifies('autobuild:start:not-due')
    const schedule = scheduleSoon()
    const { workspace, stop } = await stopped({ autostart_schedule: schedule })
    const at = firesAt(schedule, stop)
    expect((await tick(workspace, at - MINUTE_MS)).id).toBe(stop.id)
    expect((await tick(workspace, at - 1)).id).toBe(stop.id)
    expect((await tick(workspace, at)).reason).toBe('autostart')
  })

  test('starts at the next look where its time was missed, and once only', async () => {
    const schedule = scheduleSoon()
    const { workspace, stop } = await stopped({ autostart_schedule: schedule })
    const late = firesAt(schedule, stop) + 3 * DAY_MS
    expect(await tick(workspace, late)).toMatchObject({ build_number: 3, reason: 'autostart' })
    expect(await tick(workspace, late + DAY_MS)).toMatchObject({ build_number: 3 })
  })

  test('starts with the version it had, whatever the template is at now', async () => {
    verifies('autobuild:start:old-version')
    const schedule = scheduleSoon()
    const { workspace, stop } = await stopped({ autostart_schedule: schedule })
    const { id } = await createVersion(server, {}, template.id)
    await importEnded(server.client, id)
    await server.client.templates.updateActiveVersion({ params: { template: template.id }, body: { id } })
    const start = await tick(workspace, firesAt(schedule, stop))
    expect(start).toMatchObject({ reason: 'autostart', template_version_id: stop.template_version_id })
    expect(start.template_version_id).not.toBe(id)
  })

  test('follows a schedule that is set, changed and cleared while it is stopped', async () => {
    const { workspace, stop } = await stopped()
    const params = { workspace: workspace.id }
    expect((await tick(workspace, Date.now())).id).toBe(stop.id)
    const schedule = scheduleSoon()
    await server.client.workspaces.updateAutostart({ params, body: { schedule } })
    const at = firesAt(schedule, stop)
    expect((await tick(workspace, at - MINUTE_MS)).id).toBe(stop.id)
    await server.client.workspaces.updateAutostart({ params, body: { schedule: '' } })
    expect((await tick(workspace, at)).id).toBe(stop.id)
    await server.client.workspaces.updateAutostart({ params, body: { schedule } })
    expect(await tick(workspace, at)).toMatchObject({ transition: 'start', reason: 'autostart' })
  })
})

describe('nothing starts', () => {
  test('where the workspace runs already', async () => {
    verifies('autobuild:start:not-due')
    const schedule = scheduleSoon()
    const { workspace, started } = await running({ autostart_schedule: schedule })
    expect(started.deadline).toBe(null)
    expect((await tick(workspace, firesAt(schedule, started))).id).toBe(started.id)
  })

  test('where there is no schedule, not even a day later', async () => {
    verifies('autobuild:start:not-due')
    const { workspace, stop } = await stopped()
    expect((await tick(workspace, Date.now() + DAY_MS)).id).toBe(stop.id)
  })

  test('where the stop has failed', async () => {
    const schedule = scheduleSoon()
    const { workspace } = await running({ autostart_schedule: schedule })
    const broken = await createVersion(server, { plan: [{ complete: {} }], apply: [{ complete: { error: 'out of order' } }] }, template.id)
    await importEnded(server.client, broken.id)
    const { id } = await server.client.builds.create({
      params: { workspace: workspace.id },
      body: { transition: 'stop', template_version_id: broken.id },
    })
    const failed = await buildEnded(server.client, id)
    expect(failed.status).toBe('failed')
    expect((await tick(workspace, firesAt(schedule, failed) + DAY_MS)).id).toBe(failed.id)
  })

  test('where the workspace is deleted', async () => {
    verifies('autobuild:deleted')
    const schedule = scheduleSoon()
    const { workspace } = await running({ autostart_schedule: schedule, ttl_ms: TTL_MS })
    const deleted = await build(server.client, workspace.id, 'delete')
    expect(deleted.status).toBe('deleted')
    expect((await tick(workspace, firesAt(schedule, deleted) + DAY_MS)).id).toBe(deleted.id)
  })
})

describe('a running workspace with a deadline', () => {
  test('stops after it, for its owner and with the reason autostop, and keeps its version', async () => {
    verifies('autobuild:stop:due')
    const member = await createMember(server)
    const { workspace, started, deadline } = await running({ ttl_ms: TTL_MS, user: member.username })
    expect((await tick(workspace, deadline - MINUTE_MS)).id).toBe(started.id)
    const stop = await tick(workspace, deadline + MINUTE_MS)
    expect(stop).toMatchObject({ build_number: 2, transition: 'stop', reason: 'autostop', status: 'stopped', initiator_id: member.id })
    expect(stop.template_version_id).toBe(started.template_version_id)
  })

  test('stops with the first full minute at or after it', async () => {
    const { workspace, started } = await running({ ttl_ms: TTL_MS })
    const minute = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS + HOUR_MS
    await extend(workspace.id, minute + 1)
    expect((await tick(workspace, minute + 59_999)).id).toBe(started.id)
    await extend(workspace.id, minute)
    expect(await tick(workspace, minute)).toMatchObject({ reason: 'autostop' })
  })

  test('stops after the new deadline only, where it was extended', async () => {
    verifies('autobuild:stop:extended')
    const { workspace, started, deadline } = await running({ ttl_ms: TTL_MS })
    const extended = deadline + 30 * MINUTE_MS
    await extend(workspace.id, extended)
    expect((await tick(workspace, deadline + MINUTE_MS)).id).toBe(started.id)
    expect(await tick(workspace, extended + MINUTE_MS)).toMatchObject({ transition: 'stop', reason: 'autostop' })
  })

  test('stops at a deadline that was moved nearer after the first look', async () => {
    const { workspace, started } = await running({ ttl_ms: TTL_MS })
    expect((await tick(workspace, Date.now())).id).toBe(started.id)
    const nearer = Date.now() + HOUR_MS
    await extend(workspace.id, nearer)
    expect(await tick(workspace, nearer + MINUTE_MS)).toMatchObject({ transition: 'stop', reason: 'autostop' })
  })

  test('stops at it also where the ttl was removed, as long as it has a schedule', async () => {
    verifies('autobuild:stop:ttl-removed')
    const { workspace, started, deadline } = await running({ ttl_ms: TTL_MS, autostart_schedule: scheduleSoon() })
    await setTtl(workspace.id, null)
    const { latest_build } = await server.client.workspaces.get({ params: { workspace: workspace.id } })
    expect(latest_build.deadline).toBe(started.deadline)
    expect(await tick(workspace, deadline + MINUTE_MS)).toMatchObject({ transition: 'stop', reason: 'autostop' })
    const restarted = await build(server.client, workspace.id, 'start')
    expect(restarted.deadline).toBe(null)
    await setTtl(workspace.id, TTL_MS)
    const after = await tick(workspace, Date.parse(restarted.created_at) + TTL_MS + HOUR_MS)
    expect(after).toMatchObject({ id: restarted.id, deadline: null })
  })

  test('runs on where the ttl was removed and there is no schedule, though it still shows its deadline', async () => {
    const { workspace, started, deadline } = await running({ ttl_ms: TTL_MS })
    await setTtl(workspace.id, null)
    expect(await tick(workspace, deadline + MINUTE_MS)).toMatchObject({ id: started.id, deadline: started.deadline })
  })
})

describe('nothing stops', () => {
  test('where the workspace is stopped, though its stop has a deadline', async () => {
    verifies('autobuild:stop:stopped')
    const { workspace, stop } = await stopped({ ttl_ms: TTL_MS })
    expect(stop.deadline).not.toBe(null)
    expect((await tick(workspace, Date.parse(stop.deadline ?? '') + MINUTE_MS)).id).toBe(stop.id)
  })

  test('where it was started again without a ttl', async () => {
    verifies('autobuild:stop:no-ttl')
    const { workspace, deadline } = await running({ ttl_ms: TTL_MS })
    await setTtl(workspace.id, null)
    await build(server.client, workspace.id, 'stop')
    const restarted = await build(server.client, workspace.id, 'start')
    expect(restarted.deadline).toBe(null)
    expect((await tick(workspace, deadline + DAY_MS)).id).toBe(restarted.id)
  })
})

test('whoever watches a workspace hears of it', async () => {
  const { workspace, deadline } = await running({ ttl_ms: TTL_MS })
  const watching = new AbortController()
  const reasons: string[] = []
  const heard = (async () => {
    for await (const { latest_build } of watchWorkspace(server.client, workspace.id, { initial: true, signal: watching.signal }))
      reasons.push(`${latest_build.reason} ${latest_build.status}`)
  })().catch((error: unknown) => {
    if (!watching.signal.aborted) throw error
  })
  await eventually(async () => (reasons.length > 0 ? true : undefined))
  await tick(workspace, deadline + MINUTE_MS)
  await eventually(async () => (reasons.at(-1) === 'autostop stopped' ? true : undefined))
  watching.abort()
  await heard
  expect(reasons[0]).toBe('initiator running')
})
