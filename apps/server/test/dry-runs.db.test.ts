import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { CreateTemplateVersionDryRunRequest, ProvisionerJob } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from './eventually.ts'
import { createMember, createTemplate, createVersion, createWorkspace, importEnded } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const PLANNED = {
  plan: [
    { log: { level: 'info', output: 'looking around' } },
    { complete: { resources: [{ name: 'cool-resource', type: 'cool_resource_type' }] } },
  ],
} as const

const start = async (templateversion: string, body: CreateTemplateVersionDryRunRequest = {}, client = server.client) =>
  await client.dryRuns.create({ params: { templateversion }, body })
const ended = async (templateversion: string, dryrun: string): Promise<ProvisionerJob> =>
  await eventually(async () => {
    const job = await server.client.dryRuns.get({ params: { templateversion, dryrun } })
    return job.completed_at === undefined ? undefined : job
  })

test('a dry run finds out the planned resources, has a log that ends by itself, and is over then', async () => {
  verifies('versions:dry-run', 'versions:dry-run-stages', 'provisioner:complete')
  const { active_version_id: version } = await createTemplate(server, PLANNED)
  const created = await start(version, { workspace_name: 'trial' })
  const params = { templateversion: version, dryrun: created.id }
  const lines = await followLog(`/api/v2/templateversions/${version}/dry-run/${created.id}/logs?follow`)
  const job = await ended(version, created.id)
  expect(job).toMatchObject({ id: created.id, status: 'succeeded', file_id: created.file_id, tags: { scope: 'organization' } })
  expect(lines.map(({ stage }) => stage)).toEqual(
    expect.arrayContaining(['Setting up', 'Detecting persistent resources', 'Cleaning Up']) as string[],
  )
  expect(await server.client.dryRuns.logs({ params, query: {} })).toEqual(lines)
  const resources = await server.client.dryRuns.resources({ params })
  expect(resources).toMatchObject([{ name: 'cool-resource', type: 'cool_resource_type', workspace_transition: 'start' }])
  expect(resources).toHaveLength(1)
  await expect(server.client.dryRuns.cancel({ params })).rejects.toMatchObject({ status: 412 })
})

test('values that are given replace the defaults, and are forgotten when the dry run is over', async () => {
  verifies('versions:dry-run-values')
  const schema = {
    name: 'echo.exec',
    default_source_scheme: 'data',
    default_source_value: 'success=',
    allow_override_source: true,
  } as const
  const { active_version_id: version } = await createTemplate(server, {
    parse: [{ complete: { parameter_schemas: [schema] } }],
    plan: [{ complete: {} }],
  })
  const fine = await start(version)
  expect((await ended(version, fine.id)).status).toBe('succeeded')
  const value = {
    name: 'echo.exec',
    source_value: 'error=not today',
    source_scheme: 'data',
    destination_scheme: 'provisioner_variable',
  } as const
  const failing = await start(version, { parameter_values: [value] })
  expect(await ended(version, failing.id)).toMatchObject({ status: 'failed', error: expect.stringContaining('not today') as string })
  expect(await runSql(server, 'select name from parameter_values where scope_id = $1', [failing.id])).toEqual([])
})

test('the name and the values are taken as they are sent: what no parameter is called is left out, and the last value of a name counts', async () => {
  verifies('versions:dry-run-unvalidated')
  const schema = {
    name: 'echo.exec',
    default_source_scheme: 'data',
    default_source_value: 'success=',
    allow_override_source: true,
  } as const
  const { active_version_id: version } = await createTemplate(server, {
    parse: [{ complete: { parameter_schemas: [schema] } }],
    plan: [{ complete: {} }],
  })
  const send = async (parameter_values: unknown[]): Promise<ProvisionerJob> => {
    const body = { workspace_name: 'a b!', parameter_values }
    const { status, json } = await rawRequest(server.url, `POST /templateversions/${version}/dry-run`, {
      token: server.firstUser.token,
      body,
    })
    expect(status).toBe(201)
    return await ended(version, (json as ProvisionerJob).id)
  }
  expect((await send([{}])).status).toBe('succeeded')
  expect((await send([{ name: 'n'.repeat(5000), source_value: 'x', source_scheme: 'elsewhere' }])).status).toBe('succeeded')
  const values = ['error=first', 'error=last'].map((source_value) => ({ name: 'echo.exec', source_value }))
  expect(await send(values)).toMatchObject({ status: 'failed', error: expect.stringContaining('last') as string })
})

test('without a worker a dry run waits, is canceled once, and its resources are 412 before', async () => {
  verifies('versions:dry-run')
  const idle = await startTestServer({ config: { provisionerDaemons: 0 } })
  try {
    const { id } = await createVersion(idle)
    const early = idle.client.dryRuns.create({ params: { templateversion: id }, body: {} })
    await expect(early).rejects.toMatchObject({ status: 412 })
    // A failed import is over, too.
    await runSql(idle, `update provisioner_jobs set started_at = now(), completed_at = now(), error = 'broken'`)
    const { id: dryrun, status } = await idle.client.dryRuns.create({ params: { templateversion: id }, body: {} })
    expect(status).toBe('pending')
    const params = { templateversion: id, dryrun }
    await expect(idle.client.dryRuns.resources({ params })).rejects.toMatchObject({ status: 412 })
    await idle.client.dryRuns.cancel({ params })
    expect((await idle.client.dryRuns.get({ params })).status).toBe('canceled')
    await expect(idle.client.dryRuns.cancel({ params })).rejects.toMatchObject({ status: 412 })
  } finally {
    await idle.stop()
  }
})

test('an unknown job is 404; one of another type, of another version, or of somebody else is 403', async () => {
  verifies('versions:dry-run-access')
  const [template, other] = [await createTemplate(server, PLANNED), await createTemplate(server, PLANNED)]
  const version = template.active_version_id
  const get = async (templateversion: string, dryrun: string, client = server.client): Promise<ProvisionerJob> =>
    await client.dryRuns.get({ params: { templateversion, dryrun } })
  await expect(get(version, randomUUID())).rejects.toMatchObject({ status: 404 })
  const { job } = await importEnded(server.client, version)
  await expect(get(version, job.id)).rejects.toMatchObject({ status: 403 })
  const workspace = await createWorkspace(server, template)
  await expect(get(version, workspace.latest_build.job.id)).rejects.toMatchObject({ status: 403 })
  const mine = await start(version)
  await expect(get(other.active_version_id, mine.id)).rejects.toMatchObject({ status: 403 })
  const [member, stranger] = [await createMember(server), await createMember(server)]
  const theirs = await start(version, {}, member.client)
  expect((await get(version, theirs.id, member.client)).id).toBe(theirs.id)
  expect((await get(version, theirs.id)).id).toBe(theirs.id)
  await expect(get(version, theirs.id, stranger.client)).rejects.toMatchObject({ status: 403 })
  await expect(stranger.client.dryRuns.cancel({ params: { templateversion: version, dryrun: theirs.id } })).rejects.toMatchObject({
    status: 403,
  })
})

test('a version that the caller may not read is 404, whatever the job', async () => {
  verifies('versions:dry-run-access')
  const { id } = await createVersion(server)
  await importEnded(server.client, id)
  const { client } = await createMember(server)
  await expect(start(id, {}, client)).rejects.toMatchObject({ status: 404 })
  const mine = await start(id)
  await expect(client.dryRuns.get({ params: { templateversion: id, dryrun: mine.id } })).rejects.toMatchObject({ status: 404 })
})

async function followLog(path: string): Promise<{ stage: string }[]> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, {
    headers: { 'Coder-Session-Token': server.firstUser.token },
  })
  const lines: { stage: string }[] = []
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => lines.push(JSON.parse(data.toString()) as { stage: string }))
    socket.on('close', () => resolve())
    socket.on('error', reject)
  })
  return lines
}
