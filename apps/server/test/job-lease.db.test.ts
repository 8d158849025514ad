import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { verifies } from '@berth/requirements'
import type { Template, Workspace } from '@berth/schema'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { timestamp } from '../src/clock.ts'
import { tryHoldAdvisoryLock } from '../src/database/advisory-lock.ts'
import { openDatabase } from '../src/database/database.ts'
import { replicaLockName } from '../src/features/provisioner-jobs/lease-loop.ts'
import { JobStore } from '../src/features/provisioner-jobs/store.ts'
import { buildEnded, createTemplate, createVersion, createWorkspace, importEnded } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/** Without workers, so that jobs can be put into the hands of workers that do not exist. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { provisionerDaemons: 0 } })
})
afterAll(async () => await server.stop())

/** A worker of a server; where nobody holds the server's lock, the server is dead. */
async function insertWorker(replicaId: string | null): Promise<string> {
  const id = randomUUID()
  await runSql(
    server,
    `insert into provisioner_daemons (id, created_at, updated_at, name, provisioners, tags, replica_id)
     values ($1, now(), now(), 'by hand', '{echo}', '{"scope":"organization"}', $2)`,
    [id, replicaId],
  )
  return id
}

/** Puts a job into the hands of a worker that was last heard of so many seconds ago. */
async function handTo(workerId: string, jobId: string, silentSeconds: number): Promise<void> {
  const heardOf = new Date(server.clock.now().getTime() - silentSeconds * 1000)
  await runSql(server, 'update provisioner_jobs set started_at = $2, updated_at = $2, worker_id = $3 where id = $1', [
    jobId,
    heardOf,
    workerId,
  ])
}

async function liveReplica(): Promise<string> {
  const replicaId = randomUUID()
  const lock = await tryHoldAdvisoryLock({
    connectionUrl: server.databaseUrl,
    name: replicaLockName(replicaId),
    logger: pino({ level: 'silent' }),
  })
  onTestFinished(async () => await lock?.release())
  return replicaId
}

/** A workspace whose first build waits for a worker. */
async function waitingWorkspace(): Promise<Workspace> {
  return await createWorkspace(server, await importedTemplate())
}

async function importedTemplate(): Promise<Template> {
  const worker = await startAnotherServer(server)
  const template = await createTemplate(server)
  await worker.stop()
  return template
}

test('a job whose worker went silent is failed in the database with a reason, its log ends, and its workspace is usable', async () => {
  verifies('berth:jobs:lease', 'rulings:silent-worker-fails-job')
  const workspace = await waitingWorkspace()
  const { id: workspacebuild, job } = workspace.latest_build
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/workspacebuilds/${workspacebuild}/logs?follow`, {
    headers: { 'Coder-Session-Token': server.firstUser.token },
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await new Promise((resolve) => socket.once('open', resolve))
  await handTo(await insertWorker(await liveReplica()), job.id, 31)
  const ended = await buildEnded(server.client, workspacebuild)
  expect(ended.status).toBe('failed')
  expect(ended.job.error).toMatch(/^The provisioner daemon has not reported for 3\d seconds, so the job failed\. Try again\.$/)
  expect(await closed).toBe(1000)
  const [row] = await runSql(server, 'select status, error, completed_at is not null as is_over from provisioner_jobs where id = $1', [
    job.id,
  ])
  expect(row).toEqual({ status: 'failed', error: ended.job.error, is_over: true })
  const worker = await startAnotherServer(server)
  onTestFinished(async () => await worker.stop())
  const again = await server.client.builds.create({ params: { workspace: workspace.id }, body: { transition: 'start' } })
  expect((await buildEnded(server.client, again.id)).status).toBe('running')
})

test('jobs of a dead server are failed early; those of a live one, of this one, and of nobody known are not', async () => {
  verifies('berth:jobs:restart-recovery', 'rulings:restart-recovers-jobs')
  const alive = await insertWorker(await liveReplica())
  const unknown = await insertWorker(null)
  const spared = [
    { worker: alive, version: await createVersion(server) },
    { worker: unknown, version: await createVersion(server) },
  ]
  for (const { worker, version } of spared) await handTo(worker, version.job.id, 10)
  // Two rounds: when the second job has been failed, the first look at all of them is over.
  for (const round of [1, 2]) {
    const dead = await createVersion(server)
    await handTo(await insertWorker(randomUUID()), dead.job.id, 4)
    const { job } = await importEnded(server.client, dead.id)
    expect(job, `round ${round}`).toMatchObject({ status: 'failed', error: 'The server stopped while the job was running. Try again.' })
  }
  for (const { version } of spared) {
    const { job } = await server.client.templateVersions.get({ params: { templateversion: version.id } })
    expect(job.status).toBe('running')
  }
})

test('a job of a dead server is failed after three seconds of silence, not before', async () => {
  const fresh = await createVersion(server)
  await handTo(await insertWorker(randomUUID()), fresh.job.id, 2)
  const dead = await createVersion(server)
  await handTo(await insertWorker(randomUUID()), dead.job.id, 20)
  await importEnded(server.client, dead.id)
  const { job } = await importEnded(server.client, fresh.id)
  expect(Date.parse(job.completed_at ?? '') - Date.parse(job.started_at ?? '')).toBeGreaterThan(3_000)
})

test('a job that was being canceled is failed with a reason too', async () => {
  const version = await createVersion(server)
  const worker = await insertWorker(await liveReplica())
  await handTo(worker, version.job.id, 0)
  await server.client.templateVersions.cancel({ params: { templateversion: version.id } })
  await handTo(worker, version.job.id, 31)
  const { job } = await importEnded(server.client, version.id)
  expect(job).toMatchObject({ status: 'failed', canceled_at: expect.any(String), error: expect.stringContaining('has not reported') })
})

test('a server that starts fails at once what a dead one left behind, and finishes what nobody had begun', async () => {
  verifies('berth:jobs:restart-recovery', 'rulings:restart-recovers-jobs')
  const first = await startTestServer({ config: { provisionerDaemons: 0 } })
  onTestFinished(async () => await first.stop())
  const [left, waiting] = [await createVersion(first), await createVersion(first)]
  const heardOf = new Date(Date.now() - 5_000)
  const worker = randomUUID()
  await runSql(
    first,
    `insert into provisioner_daemons (id, created_at, updated_at, name, provisioners, tags, replica_id)
     values ($1, now(), now(), 'by hand', '{echo}', '{"scope":"organization"}', $2)`,
    [worker, randomUUID()],
  )
  await runSql(first, 'update provisioner_jobs set started_at = $2, updated_at = $2, worker_id = $3 where id = $1', [
    left.job.id,
    heardOf,
    worker,
  ])
  const next = await startAnotherServer(first)
  onTestFinished(async () => await next.stop())
  expect((await next.client.templateVersions.get({ params: { templateversion: left.id } })).job.status).toBe('failed')
  expect((await importEnded(next.client, waiting.id)).job.status).toBe('succeeded')
})

test('a silent job that has lost what it was for is failed, and so are the others', async () => {
  const [senseless, other] = [await createVersion(server), await createVersion(server)]
  await runSql(server, `update provisioner_jobs set type = 'workspace_build' where id = $1`, [senseless.job.id])
  const worker = await insertWorker(randomUUID())
  for (const { job } of [senseless, other]) await handTo(worker, job.id, 50)
  for (const { id } of [senseless, other]) expect((await importEnded(server.client, id)).job.status).toBe('failed')
})

test('two servers that look at the same time fail a silent job once', async () => {
  const other = await startAnotherServer(server, { config: { provisionerDaemons: 0 } })
  onTestFinished(async () => await other.stop())
  const template = await importedTemplate()
  const workspaces = [await createWorkspace(server, template), await createWorkspace(server, template)]
  const worker = await insertWorker(randomUUID())
  for (const { latest_build } of workspaces) await handTo(worker, latest_build.job.id, 40)
  for (const { latest_build } of workspaces) {
    await buildEnded(server.client, latest_build.id)
    const entries = await runSql(
      server,
      `select status_code from audit_logs where resource_id = $1 and resource_type = 'workspace_build'`,
      [latest_build.id],
    )
    expect(entries).toEqual([{ status_code: 500 }])
  }
})

test('a worker that is heard of again after its job was failed is told that it lost it, and changes nothing', async () => {
  const database = await openDatabase({ connectionUrl: server.databaseUrl, logger: pino({ level: 'silent' }), maxConnections: 2 })
  onTestFinished(async () => await database.close())
  const store = new JobStore(database.kysely)
  const version = await createVersion(server)
  const workerId = await insertWorker(await liveReplica())
  await handTo(workerId, version.job.id, 35)
  const ended = await importEnded(server.client, version.id)
  const now = timestamp(server.clock.now())
  expect(await store.beat({ id: version.job.id, workerId, now })).toBeUndefined()
  expect(await store.complete({ id: version.job.id, workerId, error: null, now })).toBe(false)
  expect((await server.client.templateVersions.get({ params: { templateversion: version.id } })).job).toEqual(ended.job)
})
