import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pino } from 'pino'
import { readConfig, type Retention } from '../src/settings/config.ts'
import { openDatabase, type Database } from '../src/database/database.ts'
import { RetentionLoop } from '../src/features/retention/retention-loop.ts'
import { RetentionStore } from '../src/features/retention/store.ts'
import { buildEnded, createTemplate, createVersion, createWorkspace, build, importEnded } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const DAY_MS = 86_400_000
const logger = pino({ level: 'silent' })

let server: TestServer
let database: Database
beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase({ connectionUrl: server.databaseUrl, logger, maxConnections: 2 })
})
afterAll(async () => {
  await database.close()
  await server.stop()
})
beforeEach(async () => {
  await runSql(server, 'delete from audit_logs')
  await runSql(server, 'delete from agent_stats')
})

const DEFAULTS: Retention = { jobLogsMs: 90 * DAY_MS, agentStatsMs: 30 * DAY_MS, auditLogMs: undefined }
const KEEP: Retention = { ...DEFAULTS, auditLogMs: 365 * DAY_MS }

function loop(keep: Partial<Retention> = {}, logTo = logger): RetentionLoop {
  return new RetentionLoop({ store: new RetentionStore(database.kysely), clock: server.clock, logger: logTo, keep: { ...KEEP, ...keep } })
}

const daysAgo = (days: number): string => new Date(server.clock.now().getTime() - days * DAY_MS).toISOString()

async function countOf(table: string): Promise<number> {
  const [row] = await runSql(server, `select count(*)::int as count from ${table}`)
  return row?.['count'] as number
}

const logsOf = async (id: string): Promise<number> => await countOf(`provisioner_job_logs where job_id = '${id}'`)

const read = (environment: Record<string, string>): Retention =>
  readConfig({ arguments: [], environment, userId: 1000, homeDirectory: '/', agentDirectory: '/' }).retention

async function insertStats(count: number, createdAt: string): Promise<void> {
  await runSql(
    server,
    `insert into agent_stats (id, created_at, user_id, agent_id, workspace_id, template_id, payload)
     select gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{}' from generate_series(1, $2::int)`,
    [createdAt, count],
  )
}

test('a file that no template version uses is deleted a week after its last upload, and no other', async () => {
  verifies('limits:unused-files')
  const { active_version_id } = await createTemplate(server)
  const { job } = await server.client.templateVersions.get({ params: { templateversion: active_version_id } })
  await runSql(server, `update files set created_at = $1`, [daysAgo(400)])
  const insert = `insert into files (id, hash, created_at, created_by, mimetype, data)
    select gen_random_uuid(), sha256($1::text::bytea), $2, id, 'application/x-tar', $1::text::bytea from users limit 1`
  await runSql(server, insert, ['older', daysAgo(7.1)])
  await runSql(server, insert, ['renewed', daysAgo(30)])
  await runSql(server, insert, ['younger', daysAgo(6.9)])
  await rawRequest(server.url, 'POST /files', {
    token: server.firstUser.token,
    headers: { 'Content-Type': 'application/x-tar' },
    body: 'renewed',
  })
  expect((await loop().tick(server.clock.now())).files).toBe(1)
  const kept = await runSql(server, `select convert_from(data, 'latin1') as text from files where id <> $1`, [job.file_id])
  expect(kept.map((row) => String(row['text'])).toSorted((a, b) => a.localeCompare(b))).toEqual(['renewed', 'younger'])
  expect(await countOf(`files where id = '${job.file_id}'`)).toBe(1)
  await runSql(server, `delete from files where id <> $1`, [job.file_id])
})

test('statistics and entries of the audit log that are too old are deleted, however many, and nothing younger', async () => {
  verifies('retention:deletes')
  await insertStats(4_500, daysAgo(31))
  await insertStats(3, daysAgo(29))
  for (const [days, resource_id] of [
    [366, '11111111-1111-4111-8111-111111111111'],
    [364, '22222222-2222-4222-8222-222222222222'],
  ] as const)
    await server.client.audit.generateTest({ body: { time: daysAgo(days), resource_id } })
  expect(await loop().tick(server.clock.now())).toEqual({ api_keys: 0, agent_stats: 4_500, audit_logs: 1, job_logs: 0, files: 0 })
  expect(await countOf('agent_stats')).toBe(3)
  const { audit_logs } = await server.client.audit.list({ query: { limit: 9 } })
  expect(audit_logs.map(({ resource_id }) => resource_id)).toEqual(['22222222-2222-4222-8222-222222222222'])
  expect(await loop().tick(server.clock.now())).toEqual({ api_keys: 0, agent_stats: 0, audit_logs: 0, job_logs: 0, files: 0 })
})

test('keys that expired a week ago are deleted; those that expired yesterday are told so', async () => {
  verifies('retention:deletes')
  const [old, fresh] = await Promise.all(
    [8, 1].map(async (days) => {
      const { key } = await server.client.sessions.createKey({ params: { user: 'me' } })
      await runSql(server, 'update api_keys set expires_at = $2 where id = $1', [key.slice(0, 10), daysAgo(days)])
      return key
    }),
  )
  expect((await loop().tick(server.clock.now())).api_keys).toBe(1)
  await expect(server.clientFor(old).users.get({ params: { user: 'me' } })).rejects.toMatchObject({
    status: 401,
    detail: 'API key is invalid.',
  })
  await expect(server.clientFor(fresh).users.get({ params: { user: 'me' } })).rejects.toMatchObject({
    status: 401,
    detail: expect.stringContaining('expired') as string,
  })
})

test('logs of old jobs are deleted, save those of the newest build of a workspace that is still there', async () => {
  verifies('retention:deletes')
  const template = await createTemplate(server)
  const workspace = await createWorkspace(server, template)
  const first = await buildEnded(server.client, workspace.latest_build.id)
  const second = await build(server.client, workspace.id, 'stop')
  await runSql(server, `update provisioner_jobs set completed_at = $1 where completed_at is not null`, [daysAgo(91)])
  const { job_logs } = await loop().tick(server.clock.now())
  expect(job_logs).toBeGreaterThan(0)
  expect([await logsOf(first.job.id), (await logsOf(second.job.id)) > 0]).toEqual([0, true])
  expect(await server.client.builds.get({ params: { workspacebuild: first.id } })).toMatchObject({ id: first.id })
})

test('the log of a build is deleted once the build is no longer the latest, also by a loop that has skipped it', async () => {
  verifies('retention:logs-in-use')
  const workspace = await createWorkspace(server, await createTemplate(server))
  const { job } = await buildEnded(server.client, workspace.latest_build.id)
  await runSql(server, `update provisioner_jobs set completed_at = $1 where completed_at is not null`, [daysAgo(91)])
  const skipping = loop()
  await skipping.tick(server.clock.now())
  expect(await logsOf(job.id)).toBeGreaterThan(0)
  await build(server.client, workspace.id, 'stop')
  await skipping.tick(server.clock.now())
  expect(await logsOf(job.id)).toBe(0)
})

test('the logs of the active and the newest version of a template are kept, those of the others and of deleted templates are not', async () => {
  verifies('retention:logs-in-use')
  const { id: template, active_version_id } = await createTemplate(server)
  const versions: string[] = [active_version_id]
  for (let count = 0; count < 2; count++) {
    const { id } = await createVersion(server, {}, template)
    await importEnded(server.client, id)
    versions.push(id)
  }
  await runSql(server, `update provisioner_jobs set completed_at = $1 where completed_at is not null`, [daysAgo(91)])
  const isKept = async (): Promise<boolean[]> =>
    await Promise.all(
      versions.map(
        async (id) =>
          (await countOf(`provisioner_job_logs join template_versions using (job_id) where template_versions.id = '${id}'`)) > 0,
      ),
    )
  expect(await isKept()).toEqual([true, true, true])
  await loop().tick(server.clock.now())
  expect(await isKept()).toEqual([true, false, true])
  await server.client.templates.updateActiveVersion({ params: { template }, body: { id: versions[2] ?? '' } })
  await loop().tick(server.clock.now())
  expect(await isKept()).toEqual([false, false, true])
  await server.client.templates.delete({ params: { template } })
  await loop().tick(server.clock.now())
  expect(await isKept()).toEqual([false, false, false])
})

test('what was deleted is said once a day, in words and numbers, and the rest when the loop stops', async () => {
  verifies('retention:told')
  const lines: string[] = []
  const telling = pino({}, { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) })
  const daily = loop({ jobLogsMs: undefined }, telling)
  const now = server.clock.now().getTime()
  const tickAfterHours = async (hours: number, stats: number): Promise<void> => {
    await insertStats(stats, daysAgo(31))
    await daily.tick(new Date(now + hours * 3_600_000))
  }
  await tickAfterHours(0, 0)
  expect(lines).toEqual([])
  await tickAfterHours(1, 1_204)
  await tickAfterHours(2, 5)
  await tickAfterHours(24, 5)
  const first = 'deleted 1 204 expired records: 1 204 reports of agent statistics'
  expect(lines).toEqual([first])
  await tickAfterHours(25, 1)
  const second = 'deleted 11 expired records: 11 reports of agent statistics'
  expect(lines).toEqual([first, second])
  await tickAfterHours(26, 1)
  await daily.stop()
  expect(lines).toEqual([first, second, 'deleted 1 expired record: 1 report of agent statistics'])
})

test('0 keeps everything; the defaults are 90 and 30 days, and the audit log is kept for ever', async () => {
  verifies('retention:settings')
  await insertStats(1, daysAgo(9_000))
  await server.client.audit.generateTest({ body: { time: daysAgo(9_000) } })
  const forever = loop({ agentStatsMs: undefined, auditLogMs: undefined, jobLogsMs: undefined })
  expect(await forever.tick(server.clock.now())).toMatchObject({ agent_stats: 0, audit_logs: 0, job_logs: 0 })
  expect(read({})).toEqual(DEFAULTS)
  expect(read({ BERTH_AUDIT_LOG_RETENTION: '8760h', BERTH_JOB_LOG_RETENTION: '1h' })).toMatchObject({
    auditLogMs: 365 * DAY_MS,
    jobLogsMs: 3_600_000,
  })
  expect(read({ BERTH_AUDIT_LOG_RETENTION: '0', BERTH_JOB_LOG_RETENTION: '0' })).toMatchObject({
    auditLogMs: undefined,
    jobLogsMs: undefined,
  })
})
