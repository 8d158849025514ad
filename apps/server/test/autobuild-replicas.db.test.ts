import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEchoDriver } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import { nextStart, parseSchedule } from '@berth/schema/rules'
import { createClient, type Client } from '@berth/sdk'
import { sql } from 'kysely'
import { pino } from 'pino'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Config } from '../src/settings/config.ts'
import { createServer, type BerthServer } from '../src/create-server.ts'
import type { Queries } from '../src/database/database.ts'
import { checkedFetch } from './checked-fetch.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { eventually } from './eventually.ts'
import { build, buildEnded, createTemplate, createWorkspace } from './factories.ts'
import { FakeClock } from './fake-clock.ts'
import { startTestServer, testConfig, type TestServer } from './start-test-server.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let database: TestDatabase
let first: TestServer
beforeEach(async () => {
  database = await createTestDatabase()
  return async () => await database.drop()
})

/** The server that sets the database up. */
async function startFirst(options: Parameters<typeof startTestServer>[0] = {}): Promise<void> {
  first = await startTestServer({ databaseUrl: database.url, ...options })
  onTestFinished(async () => await first.stop())
}

/** One more server on the database, with its own client for the first user. */
async function startAnother(overrides: Partial<Config> = {}): Promise<{ server: BerthServer; client: Client }> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-server-'))
  const server = await createServer(testConfig({ directory, databaseUrl: database.url, overrides }), {
    logger: pino({ level: 'silent' }),
    clock: first.clock,
    drivers: [createEchoDriver()],
  })
  onTestFinished(async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })
  return { server, client: createClient({ url: server.url, fetch: checkedFetch, token: first.firstUser.token }) }
}

/** A running workspace whose deadline is in eight hours. */
async function createRunning(): Promise<Workspace> {
  const workspace = await createWorkspace(first, await createTemplate(first), { ttl_ms: 8 * HOUR_MS })
  await buildEnded(first.client, workspace.latest_build.id)
  return workspace
}

/** Copies a workspace, its latest build and that build's job in the database. Returns the IDs. */
async function copyWorkspace(queries: Queries, id: string, count: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with copies as materialized (
      select number, gen_random_uuid() as workspace_id, gen_random_uuid() as build_id, gen_random_uuid() as job_id
      from generate_series(1, ${count}::integer) as number),
    jobs as (
      insert into provisioner_jobs (id, created_at, updated_at, started_at, completed_at, organization_id, initiator_id, provisioner, type, input, file_id, tags)
      select copies.job_id, job.created_at, job.updated_at, job.started_at, job.completed_at, job.organization_id, job.initiator_id, job.provisioner,
        job.type, jsonb_build_object('workspace_build_id', copies.build_id), job.file_id, job.tags
      from copies, provisioner_jobs job where job.id = (select latest_job_id from workspaces where id = ${id})),
    made as (
      insert into workspaces (id, created_at, updated_at, owner_id, organization_id, template_id, name, ttl_ms)
      select copies.workspace_id, origin.created_at, origin.updated_at, origin.owner_id, origin.organization_id, origin.template_id,
        'copy-' || copies.number, origin.ttl_ms
      from copies, workspaces origin where origin.id = ${id})
    insert into workspace_builds (id, created_at, updated_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id, deadline)
    select copies.build_id, build.created_at, build.updated_at, copies.workspace_id, build.template_version_id, 1, build.transition, build.initiator_id,
      copies.job_id, build.deadline
    from copies, workspace_builds build where build.id = (select latest_build_id from workspaces where id = ${id})
    returning workspace_id as id`.execute(queries)
  await sql`update workspaces set latest_job_status = job.status from provisioner_jobs job where job.id = latest_job_id`.execute(queries)
  return rows.map((row) => row.id)
}

/** How many builds of autostop each workspace has, and how often that is so. */
async function countStops(queries: Queries): Promise<{ stops: number; workspaces: number }[]> {
  const { rows } = await sql<{ stops: number; workspaces: number }>`
    select stops, count(*) as workspaces from (
      select count(build.id) filter (where build.reason = 'autostop') as stops
      from workspaces left join workspace_builds build on build.workspace_id = workspaces.id group by workspaces.id) as counted
    group by stops order by stops`.execute(queries)
  return rows
}

test('two servers that look at the same time make one build of each workspace', async () => {
  verifies('autobuild:once')
  await startFirst()
  const workspace = await createRunning()
  const another = await startAnother()
  const due = new Date(first.clock.now().getTime() + 9 * HOUR_MS)
  const made = await Promise.all(
    [first.server, another.server, first.server, another.server].map(async (server) => await server.tickAutobuild(due)),
  )
  expect(made.flat()).toHaveLength(1)
  const { latest_build } = await first.client.workspaces.get({ params: { workspace: workspace.id } })
  expect(latest_build).toMatchObject({ id: made.flat()[0], build_number: 2, reason: 'autostop' })
  expect(await first.client.builds.list({ params: { workspace: workspace.id } })).toHaveLength(2)
})

test('a thousand that are due at once are all put into the queue, once each, by two servers together', async () => {
  verifies('autobuild:once')
  await startFirst()
  const workspace = await createRunning()
  await first.server.stop()
  const servers = await Promise.all([startAnother({ provisionerDaemons: 0 }), startAnother({ provisionerDaemons: 0 })])
  const { kysely } = await database.open()
  const copies = await copyWorkspace(kysely, workspace.id, 1_000)
  const due = new Date(first.clock.now().getTime() + 9 * HOUR_MS)
  const made = await Promise.all(servers.map(async ({ server }) => await server.tickAutobuild(due)))
  expect(new Set(made.flat()).size).toBe(1_001)
  expect(copies).toHaveLength(1_000)
  expect(await countStops(kysely)).toEqual([{ stops: 1, workspaces: 1_001 }])
  expect(await servers[0].server.tickAutobuild(new Date(due.getTime() + HOUR_MS))).toEqual([])
})

test('a workspace is either extended or stopped, however close the two come', async () => {
  await startFirst()
  const workspace = await createRunning()
  await first.server.stop()
  const { server, client } = await startAnother({ provisionerDaemons: 0 })
  const { kysely } = await database.open()
  const copies = await copyWorkspace(kysely, workspace.id, 300)
  const now = first.clock.now().getTime()
  const due = new Date(now + 9 * HOUR_MS)
  const deadline = new Date(now + 10 * HOUR_MS).toISOString()
  const ticking = server.tickAutobuild(due)
  const extended = new Set<string>()
  for (const id of copies.toReversed())
    await client.workspaces.extend({ params: { workspace: id }, body: { deadline } }).then(
      () => extended.add(id),
      (error: unknown) => expect(error).toMatchObject({ status: 409 }),
    )
  const made = [...(await ticking), ...(await server.tickAutobuild(due))]
  const { rows } = await sql<{ id: string }>`select workspace_id as id from workspace_builds where id = any(${made}::uuid[])`.execute(
    kysely,
  )
  const stopped = new Set(rows.map(({ id }) => id))
  expect(copies.filter((id) => stopped.has(id) === extended.has(id))).toEqual([])
})

test('one that cannot be built holds up none of the others', async () => {
  await startFirst()
  const workspace = await createRunning()
  await first.server.stop()
  const { server } = await startAnother({ provisionerDaemons: 0 })
  const { kysely } = await database.open()
  const [broken = ''] = await copyWorkspace(kysely, workspace.id, 5)
  // Its next number is taken by a build that the workspace knows nothing of.
  await sql`
    with job as (
      insert into provisioner_jobs (id, created_at, updated_at, organization_id, initiator_id, provisioner, type, file_id)
      select gen_random_uuid(), created_at, updated_at, organization_id, initiator_id, provisioner, type, file_id
      from provisioner_jobs where id = (select latest_job_id from workspaces where id = ${broken}) returning id),
    made as (
      insert into workspace_builds (id, created_at, updated_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
      select gen_random_uuid(), build.created_at, build.updated_at, build.workspace_id, build.template_version_id, 2, 'stop', build.initiator_id, job.id
      from job, workspace_builds build where build.workspace_id = ${broken} returning id)
    select from made`.execute(kysely)
  await sql`
    update workspaces set latest_build_id = build.id, latest_build_number = 1, latest_build_transition = 'start', latest_job_id = build.job_id,
      latest_job_status = 'succeeded'
    from workspace_builds build where workspaces.id = ${broken} and build.workspace_id = ${broken} and build.build_number = 1`.execute(
    kysely,
  )
  const made = await server.tickAutobuild(new Date(first.clock.now().getTime() + 9 * HOUR_MS))
  expect(made).toHaveLength(5)
  expect(await countStops(kysely)).toEqual([
    { stops: 0, workspaces: 1 },
    { stops: 1, workspaces: 5 },
  ])
})

test('a stop that was canceled before anybody began it counts as done, so the schedule starts the workspace', async () => {
  await startFirst()
  const schedule = '0 0 * * *'
  const workspace = await createWorkspace(first, await createTemplate(first), { autostart_schedule: schedule })
  await buildEnded(first.client, workspace.latest_build.id)
  await first.server.stop()
  const { server, client } = await startAnother({ provisionerDaemons: 0 })
  const stop = await client.builds.create({ params: { workspace: workspace.id }, body: { transition: 'stop' } })
  const fires = nextStart(parseSchedule(schedule), new Date(stop.created_at)) ?? new Date(Number.NaN)
  expect(await server.tickAutobuild(fires)).toEqual([])
  await client.builds.cancel({ params: { workspacebuild: stop.id } })
  const made = await server.tickAutobuild(fires)
  const { latest_build } = await client.workspaces.get({ params: { workspace: workspace.id } })
  expect(latest_build).toMatchObject({ id: made[0], build_number: 3, transition: 'start', reason: 'autostart', status: 'pending' })
})

test('a workspace starts by the clocks of its zone, an hour sooner where summer time has begun', async () => {
  const clock = new FakeClock()
  clock.advance(Date.parse('2022-03-26T09:40:00Z') - Date.now())
  await startFirst({ clock })
  const workspace = await createWorkspace(first, await createTemplate(first), { autostart_schedule: 'CRON_TZ=Europe/Dublin 30 9 * * *' })
  await buildEnded(first.client, workspace.latest_build.id)
  await build(first.client, workspace.id, 'stop')
  expect(await first.server.tickAutobuild(new Date('2022-03-27T08:29:59Z'))).toEqual([])
  expect(await first.server.tickAutobuild(new Date('2022-03-27T08:30:00Z'))).toHaveLength(1)
})

test('a server looks by itself', async () => {
  await startFirst({ config: { autobuildPollIntervalMs: 20 } })
  const workspace = await createRunning()
  first.clock.advance(9 * HOUR_MS)
  const stop = await eventually(async () => {
    const { latest_build } = await first.client.workspaces.get({ params: { workspace: workspace.id } })
    return latest_build.transition === 'stop' ? latest_build : undefined
  })
  expect(stop).toMatchObject({ build_number: 2, reason: 'autostop', initiator_id: first.firstUser.user_id })
})
