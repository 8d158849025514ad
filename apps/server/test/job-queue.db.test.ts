import { randomUUID } from 'node:crypto'
import { createEchoDriver, type Driver } from '@berth/provisioner'
import { pino } from 'pino'
import { verifies } from '@berth/requirements'
import type { CreateTemplateVersionRequest } from '@berth/schema'
import { echoArchive } from '@berth/provisioner/testing'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { timestamp } from '../src/clock.ts'
import { openDatabase, type Database } from '../src/database/database.ts'
import { DatabaseReporter } from '../src/features/provisioner-jobs/database-reporter.ts'
import { Redaction } from '../src/secrets/redaction.ts'
import { JobStore, type JobRow } from '../src/features/provisioner-jobs/store.ts'
import { eventually } from './eventually.ts'
import { build, buildEnded, createTemplate, createWorkspace, importEnded } from './factories.ts'
import { endOf, openSocket, opened } from './fake-agent.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer, type AnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const HOUR_MS = 3_600_000

/** Without workers: whoever is to work is started by the test. */
let server: TestServer
beforeEach(async () => {
  server = await startTestServer({ config: { provisionerDaemons: 0 } })
})
afterEach(async () => await server.stop())

async function startWorker(options: Parameters<typeof startAnotherServer>[1] = {}): Promise<AnotherServer> {
  const worker = await startAnotherServer(server, options)
  onTestFinished(async () => await worker.stop())
  return worker
}

async function openStore(): Promise<{ database: Database; store: JobStore }> {
  const database = await openDatabase({ connectionUrl: server.databaseUrl, logger: pino({ level: 'silent' }), maxConnections: 10 })
  onTestFinished(async () => await database.close())
  return { database, store: new JobStore(database.kysely) }
}

async function enqueue(fields: Partial<CreateTemplateVersionRequest> = {}): Promise<{ versionId: string; jobId: string }> {
  const { hash } = await server.client.files.upload({ body: echoArchive() })
  const version = await server.client.templateVersions.create({
    params: { organization: server.firstUser.organization_id },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo', ...fields },
  })
  return { versionId: version.id, jobId: version.job.id }
}

async function newWorker(): Promise<string> {
  const id = randomUUID()
  await runSql(
    server,
    `insert into provisioner_daemons (id, created_at, updated_at, name, provisioners, tags) values ($1, now(), now(), 'by hand', '{echo}', '{"scope":"organization"}')`,
    [id],
  )
  return id
}

const worker = (id: string, fields: { provisioners?: ('echo' | 'berth')[]; tags?: Record<string, string> } = {}) =>
  ({ id, provisioners: ['echo'], tags: { scope: 'organization' }, now: timestamp(server.clock.now()), ...fields }) as const

test('without workers a job stays pending', async () => {
  const { versionId } = await enqueue()
  await expect(eventually(async () => await statusUnlessPending(versionId), { timeoutMs: 300 })).rejects.toThrow('nothing came')
})

async function statusUnlessPending(templateversion: string): Promise<string | undefined> {
  const { job } = await server.client.templateVersions.get({ params: { templateversion } })
  return job.status === 'pending' ? undefined : job.status
}

test('of many workers that ask at once, exactly one gets a job', async () => {
  verifies('berth:jobs:one-worker')
  const { database } = await openStore()
  const { jobId } = await enqueue()
  const ids = await Promise.all(Array.from({ length: 10 }, newWorker))
  const got = await Promise.all(
    ids.map(async (id) => await database.transaction(async (transaction) => await new JobStore(transaction).acquire(worker(id)))),
  )
  const winners = got.filter((job) => job !== undefined)
  expect(winners.map(({ id }) => id)).toEqual([jobId])
  expect(winners[0]?.started_at).not.toBeNull()
})

test('jobs are taken oldest first', async () => {
  const { store } = await openStore()
  const jobs = [await enqueue(), await enqueue(), await enqueue()].map(({ jobId }) => jobId)
  await runSql(server, `update provisioner_jobs set created_at = created_at - interval '1 hour' where id = $1`, [jobs[2]])
  const id = await newWorker()
  const order: (string | undefined)[] = []
  for (let count = 0; count < 4; count++) order.push((await store.acquire(worker(id)))?.id)
  expect(order).toEqual([jobs[2], jobs[0], jobs[1], undefined])
})

test('a worker gets only jobs whose provisioner it serves and whose tags it has', async () => {
  verifies('berth:jobs:matched')
  const { store } = await openStore()
  const id = await newWorker()
  const plain = await enqueue()
  const zoned = await enqueue({ tags: { zone: 'north' } })
  const native = await enqueue({ provisioner: 'berth' })
  const personal = await enqueue({ tags: { scope: 'user' } })
  const take = async (fields: Parameters<typeof worker>[1]): Promise<string | undefined> => (await store.acquire(worker(id, fields)))?.id
  expect(await take({ tags: {} })).toBeUndefined()
  expect(await take({ tags: { scope: 'organization', zone: 'south' }, provisioners: [] })).toBeUndefined()
  expect(await take({ provisioners: ['berth'] })).toBe(native.jobId)
  expect(await take({})).toBe(plain.jobId)
  expect(await take({ tags: { scope: 'organization', zone: 'south' } })).toBeUndefined()
  expect(await take({ tags: { scope: 'organization', zone: 'north', more: 'yes' } })).toBe(zoned.jobId)
  expect(await take({ tags: { scope: 'user', owner: randomUUID() } })).toBeUndefined()
  expect(await take({ tags: { scope: 'user', owner: server.firstUser.user_id } })).toBe(personal.jobId)
})

test('a job canceled before it started is never acquired, and its log stream ends', async () => {
  verifies('rulings:canceled-pending-job-never-runs')
  const { store } = await openStore()
  const { versionId, jobId } = await enqueue()
  const following = openSocket(server, `/templateversions/${versionId}/logs?follow`, server.firstUser.token)
  const end = endOf(following)
  await opened(following)
  await server.client.templateVersions.cancel({ params: { templateversion: versionId } })
  expect((await end).code).toBe(1000)
  expect(await store.acquire(worker(await newWorker()))).toBeUndefined()
  await startWorker()
  const later = await enqueue()
  await importEnded(server.client, later.versionId)
  const [job] = await runSql(server, 'select status, started_at, worker_id from provisioner_jobs where id = $1', [jobId])
  expect(job).toEqual({ status: 'canceled', started_at: null, worker_id: null })
  expect(await server.client.templateVersions.logs({ params: { templateversion: versionId }, query: {} })).toEqual([])
})

test('a waiting worker of any server is woken by a new job: with a poll an hour away, jobs are done', async () => {
  verifies('berth:jobs:woken')
  await startWorker({ config: { provisionerPollIntervalMs: HOUR_MS } })
  for (let count = 0; count < 5; count++) {
    const { versionId } = await enqueue()
    expect((await importEnded(server.client, versionId)).job.status).toBe('succeeded')
  }
})

test('a worker that is busy when a job comes takes it afterwards, without a poll', async () => {
  verifies('berth:jobs:woken')
  await startWorker({ config: { provisionerPollIntervalMs: HOUR_MS, provisionerDaemons: 1 } })
  const jobs = await Promise.all(Array.from({ length: 12 }, async () => await enqueue()))
  for (const { versionId } of jobs) expect((await importEnded(server.client, versionId)).job.status).toBe('succeeded')
})

test('a wake-up that is lost because the connection broke is made up for', async () => {
  verifies('berth:jobs:woken')
  await startWorker({ config: { provisionerPollIntervalMs: HOUR_MS } })
  const [listening] = await runSql(
    server,
    `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity where datname = current_database() and query ilike 'listen%'`,
  )
  expect(listening?.['count']).toBe(2)
  const { versionId } = await enqueue()
  expect((await importEnded(server.client, versionId)).job.status).toBe('succeeded')
})

test('two servers on one database share the work, and no job is run twice', async () => {
  verifies('berth:jobs:one-worker')
  const jobs = await Promise.all(Array.from({ length: 40 }, async () => await enqueue()))
  await Promise.all([startWorker(), startWorker()])
  for (const { versionId } of jobs) expect((await importEnded(server.client, versionId)).job.status).toBe('succeeded')
  const starts = await runSql(
    server,
    `select job_id, count(*)::int as count from provisioner_job_logs where stage = 'Setting up' group by job_id having count(*) > 1`,
  )
  expect(starts).toEqual([])
  const [workers] = await runSql(
    server,
    `select count(distinct daemon.replica_id)::int as replicas from provisioner_jobs job join provisioner_daemons daemon on daemon.id = job.worker_id`,
  )
  expect(workers?.['replicas']).toBe(2)
})

test('only the worker that holds a job may update, complete or fail it, and only once', async () => {
  verifies('berth:jobs:foreign-worker', 'provisioner:update', 'provisioner:fail')
  const { database, store } = await openStore()
  const { versionId } = await enqueue()
  const [holder, stranger] = [await newWorker(), await newWorker()]
  const job = (await store.acquire(worker(holder))) as JobRow // there is one
  const ended: string[] = []
  const handler = {
    prepare: unused,
    completed: async () => void ended.push('completed'),
    failed: async () => void ended.push('failed'),
  }
  const reporter = (workerId: string) =>
    new DatabaseReporter({ job, workerId, handler, database, store, clock: server.clock, redaction: new Redaction() })
  const result = { type: 'template_version_import', start_resources: [], stop_resources: [] } as const
  const line = { source: 'provisioner', level: 'info', created_at: Date.now(), stage: 'x', output: 'y' } as const
  for (const call of [
    async () => await reporter(stranger).update({}),
    async () => await reporter(stranger).update({ logs: [line] }),
    async () => await reporter(stranger).complete(result),
    async () => await reporter(stranger).fail({ error: 'no' }),
  ])
    await expect(call()).rejects.toThrow("you don't own this job")
  expect(ended).toEqual([])
  expect(await reporter(holder).update({ logs: [line] })).toEqual({ canceled: false })
  await reporter(holder).complete(result)
  await reporter(holder).complete(result) // the answer to the first may have been lost
  await expect(reporter(holder).fail({ error: 'too late' })).rejects.toThrow('job already completed')
  expect(ended).toEqual(['completed'])
  const logs = await server.client.templateVersions.logs({ params: { templateversion: versionId }, query: {} })
  expect(logs?.map(({ output }) => output)).toEqual(['y'])
})

test.each([
  ['canceled when its provisioner ends well', async () => ({ resources: [], state: Buffer.from('all the same') }), { status: 'canceled' }],
  [
    'failed when its provisioner gives up',
    async (signal: AbortSignal) => await Promise.reject(signal.reason as Error),
    { status: 'failed', error: 'the job was canceled' },
  ],
])('a running job that is canceled is told so, and ends %s', async (_how, end, expected) => {
  verifies('berth:jobs:cancel')
  let isApplying = false
  const driver: Driver = {
    ...createEchoDriver(),
    async apply({ signal }) {
      isApplying = true
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      return await end(signal)
    },
  }
  await startWorker({ drivers: [driver] })
  const workspace = await createWorkspace(server, await createTemplate(server))
  const params = { workspacebuild: workspace.latest_build.id }
  // A job counts as running a moment before. Canceled that early, it always ends as failed.
  await eventually(async () => isApplying || undefined)
  expect((await server.client.builds.get({ params })).status).toBe('starting')
  await server.client.builds.cancel({ params })
  const { job } = await buildEnded(server.client, params.workspacebuild)
  expect(job).toMatchObject({ ...expected, canceled_at: expect.any(String), completed_at: expect.any(String) })
})

test('a build comes to its worker with the names, ids, transition, parameters and state of its workspace', async () => {
  verifies('provisioner:acquire')
  const requests: Record<string, unknown>[] = []
  const echo = createEchoDriver()
  const driver: Driver = {
    ...echo,
    async apply(request) {
      const { metadata, parameter_values, state } = request
      requests.push({ metadata, parameter_values, state: Buffer.from(state).toString() })
      return await echo.apply(request)
    },
  }
  const { url } = await startWorker({ drivers: [driver] })
  const schema = {
    name: 'zone',
    default_source_scheme: 'data',
    default_source_value: 'north',
    default_destination_scheme: 'provisioner_variable',
  } as const
  const template = await createTemplate(server, {
    parse: [{ complete: { parameter_schemas: [schema] } }],
    apply: [{ complete: { state: Buffer.from('made by the build before') } }],
  })
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  await build(server.client, workspace.id, 'stop')
  const metadata = {
    access_url: url,
    workspace_name: workspace.name,
    workspace_id: workspace.id,
    workspace_owner: 'testuser',
    workspace_owner_id: server.firstUser.user_id,
    workspace_owner_email: 'testuser@coder.com',
  }
  const parameter_values = [{ name: 'zone', value: 'north', destination_scheme: 'provisioner_variable', sensitive: true }]
  expect(requests).toEqual([
    { metadata: { ...metadata, workspace_transition: 'start' }, parameter_values, state: '' },
    { metadata: { ...metadata, workspace_transition: 'stop' }, parameter_values, state: 'made by the build before' },
  ])
})

/** The line with which a stage begins. */
function stageLine(stage: string): string[] {
  return ['provisioner_daemon', stage, '']
}

/** The stages of a build. */
function stageLines(verb: string, quota: string[][]): string[][] {
  return [
    stageLine('Setting up'),
    ['provisioner', 'Planning infrastructure', 'planned'],
    ...quota,
    stageLine(`${verb} workspace`),
    ['provisioner', `${verb} workspace`, 'applied'],
    stageLine('Cleaning Up'),
  ]
}

test('a build logs its stages by their exact labels', async () => {
  verifies('builds:stages')
  await startWorker()
  const everyone = { group: server.firstUser.organization_id }
  await server.client.groups.update({ params: everyone, body: { quota_allowance: 10 } })
  const resources = [{ name: 'box', type: 'machine', daily_cost: 3 }]
  const template = await createTemplate(server, {
    plan: [{ log: { output: 'planned' } }, { complete: { resources } }],
    apply: [{ log: { output: 'applied' } }, { complete: { resources } }],
  })
  const workspace = await createWorkspace(server, template)
  const stagesOf = async (workspacebuild: string): Promise<string[][]> => {
    const logs = (await server.client.builds.logs({ params: { workspacebuild }, query: {} })) ?? []
    return logs.map(({ log_source, stage, output }) => [log_source, stage, stage === 'Commit quota' ? '…' : output])
  }
  const quota = Array.from({ length: 3 }, () => ['provisioner_daemon', 'Commit quota', '…'])
  await buildEnded(server.client, workspace.latest_build.id)
  expect(await stagesOf(workspace.latest_build.id)).toEqual(stageLines('Starting', quota))
  expect(await stagesOf((await build(server.client, workspace.id, 'stop')).id)).toEqual(stageLines('Stopping', quota))
  expect(await stagesOf((await build(server.client, workspace.id, 'delete')).id)).toEqual(stageLines('Destroying', []))
})

async function unused(): Promise<never> {
  throw new Error('nobody asks for this')
}
