import { verifies } from '@berth/requirements'
import type { ProvisionerJobLog, Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JOB_LOGS_CHANNEL } from '../src/database/channels.ts'
import { callApi } from './call-api.ts'
import { eventually } from './eventually.ts'
import { buildEnded, createMember, createTemplate, createWorkspace } from './factories.ts'
import { followRaw } from './follow-raw.ts'
import { holdBuilds } from './hold-builds.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let ended: Workspace
let path: string
let all: ProvisionerJobLog[]
beforeAll(async () => {
  server = await startTestServer()
  const lines = ['one', 'two', 'three'].map((output) => ({ log: { level: 'info' as const, output } }))
  const template = await createTemplate(server, { plan: [{ complete: {} }], apply: [...lines, { complete: {} }] })
  ended = await createWorkspace(server, template)
  await buildEnded(server.client, ended.latest_build.id)
  path = `/workspacebuilds/${ended.latest_build.id}/logs`
  all = (await callApi(server, `GET ${path}`)).json
})
afterAll(async () => await server.stop())

async function read(query: string): Promise<ProvisionerJobLog[]> {
  const { status, json, text } = await callApi(server, `GET ${path}${query}`)
  if (status !== 200) throw new Error(`${status}: ${text}`)
  return json
}

async function write(jobId: string, outputs: readonly string[]): Promise<void> {
  await runSql(
    server,
    `insert into provisioner_job_logs (job_id, created_at, source, level, stage, output)
     select $1, now(), 'provisioner', 'info', 'Test', output from unnest($2::text[]) with ordinality as line (output, position) order by position`,
    [jobId, outputs],
  )
  await runSql(server, `select pg_notify('berth', $1)`, [`${JOB_LOGS_CHANNEL} ${jobId}`])
}

/** A build that waits until it is let go: what is written to its log is up to the test. */
async function waitingBuild(): Promise<{ workspace: Workspace; jobId: string; logs: string; end: () => Promise<void> }> {
  const template = await createTemplate(server)
  await holdBuilds(server, template)
  const workspace = await createWorkspace(server, template)
  const jobId = workspace.latest_build.job.id
  return {
    workspace,
    jobId,
    logs: `/workspacebuilds/${workspace.latest_build.id}/logs`,
    async end() {
      await runSql(server, 'update provisioner_jobs set started_at = now(), completed_at = now() where id = $1', [jobId])
      await runSql(server, `select pg_notify('berth', $1)`, [`${JOB_LOGS_CHANNEL} ${jobId}`])
    },
  }
}

const NO_INTEGER = 'Must be an integer'

describe('a plain read', () => {
  test('of a build that has ended gives its lines in order, by stage', async () => {
    verifies('builds:logs:plain')
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted((a, b) => a - b))
    expect(all.map(({ stage, output, log_source, log_level }) => [stage, output, log_source, log_level])).toEqual([
      ['Setting up', '', 'provisioner_daemon', 'info'],
      ['Starting workspace', '', 'provisioner_daemon', 'info'],
      ['Starting workspace', 'one', 'provisioner', 'info'],
      ['Starting workspace', 'two', 'provisioner', 'info'],
      ['Starting workspace', 'three', 'provisioner', 'info'],
      ['Cleaning Up', '', 'provisioner_daemon', 'info'],
    ])
  })

  test('is cut by after and before, neither of which is part of it', async () => {
    verifies('rulings:logs-before')
    const ids = all.map(({ id }) => id)
    const [second, fifth] = [ids[1] ?? 0, ids[4] ?? 0]
    expect((await read(`?after=${second}`)).map(({ id }) => id)).toEqual(ids.slice(2))
    expect((await read(`?before=${fifth}`)).map(({ id }) => id)).toEqual(ids.slice(0, 4))
    expect((await read(`?after=${second}&before=${fifth}`)).map(({ id }) => id)).toEqual(ids.slice(2, 4))
    for (const nothing of ['', '?after=', '?before=', '?after=0', '?before=0']) expect(await read(nothing)).toEqual(all)
    expect((await callApi(server, `GET ${path}?after=${ids.at(-1)}`)).text).toBe('[]\n')
  })

  test.each([
    ['?after=x', 'after', NO_INTEGER],
    ['?before=1.5', 'before', NO_INTEGER],
    ['?before=99999999999999999999', 'before', NO_INTEGER],
    ['?before=1&follow', 'before', 'Cannot be used together with "follow"'],
    ['?before=1&follow=false', 'before', 'Cannot be used together with "follow"'],
  ])('with %s is 400', async (query, field, detail) => {
    verifies('versions:log-bounds')
    const { status, json } = await callApi(server, `GET ${path}${query}`)
    expect(status).toBe(400)
    expect(json.validations).toEqual([{ field, detail }])
  })

  test('that asks to follow without upgrading is 426', async () => {
    for (const query of ['?follow', '?follow=', '?follow=false']) expect((await callApi(server, `GET ${path}${query}`)).status).toBe(426)
  })
})

describe('following', () => {
  test('a build that has ended brings all lines, one JSON document a frame, and ends with 1000', async () => {
    verifies('builds:logs:follow-completed')
    const { frames, logs, closed } = await followRaw(server, `${path}?follow`)
    expect(await closed).toBe(1000)
    expect(logs()).toEqual(all)
    for (const frame of frames) expect(frame).toMatch(/^\{[^\n]*\}\n$/)
  })

  test('begins after the line that after names', async () => {
    const { logs, closed } = await followRaw(server, `${path}?follow&after=${all[2]?.id}`)
    expect(await closed).toBe(1000)
    expect(logs()).toEqual(all.slice(3))
  })

  test('a running build brings its lines as they come, and ends with the job', async () => {
    verifies('builds:logs:follow-running')
    const { jobId, logs: logsPath, end } = await waitingBuild()
    await write(jobId, ['before'])
    const { logs, closed, socket } = await followRaw(server, `${logsPath}?follow`)
    const outputs = (): string[] => logs().map(({ output }) => output)
    await eventually(async () => (outputs().length === 1 ? true : undefined))
    for (const output of ['first', 'second']) {
      await write(jobId, [output])
      await eventually(async () => (outputs().at(-1) === output ? true : undefined))
    }
    expect(socket.readyState).toBe(socket.OPEN)
    await write(jobId, ['last'])
    await end()
    expect(await closed).toBe(1000)
    expect(outputs()).toEqual(['before', 'first', 'second', 'last'])
  })

  test("a real build brings its provisioner's output", async () => {
    const template = await createTemplate(server, {
      plan: [{ complete: {} }],
      apply: [{ log: { level: 'info', output: 'hello' } }, { complete: {} }],
    })
    const letGo = await holdBuilds(server, template)
    const { latest_build } = await createWorkspace(server, template)
    const followed = await followRaw(server, `/workspacebuilds/${latest_build.id}/logs?follow`)
    await letGo()
    expect(await followed.closed).toBe(1000)
    expect(followed.logs()).toContainEqual(
      expect.objectContaining({ output: 'hello', stage: 'Starting workspace', log_source: 'provisioner' }),
    )
    expect(followed.logs()).toEqual((await callApi(server, `GET /workspacebuilds/${latest_build.id}/logs`)).json)
  })

  test('a build that is canceled before it starts ends with the cancellation', async () => {
    const { workspace, logs } = await waitingBuild()
    const { closed, frames } = await followRaw(server, `${logs}?follow`)
    await callApi(server, `PATCH /workspacebuilds/${workspace.latest_build.id}/cancel`)
    expect(await closed).toBe(1000)
    expect(frames).toEqual([])
  })

  test('slowly misses no line and repeats none', async () => {
    const { jobId, logs: logsPath, end } = await waitingBuild()
    const { socket, logs, closed } = await followRaw(server, `${logsPath}?follow`)
    socket.pause()
    const expected: string[] = []
    for (let batch = 0; batch < 10; batch += 1) {
      const outputs = Array.from({ length: 1000 }, (_, index) => `${batch}/${index} ${'#'.repeat(900)}`)
      expected.push(...outputs)
      await write(jobId, outputs)
    }
    await end()
    socket.resume()
    expect(await closed).toBe(1000)
    expect(logs().map(({ output }) => output)).toEqual(expected)
  })

  test('ends when the follower leaves, whatever is still to come', async () => {
    const { jobId, logs, end } = await waitingBuild()
    const { socket, closed } = await followRaw(server, `${logs}?follow`)
    socket.close(1000)
    expect(await closed).toBe(1000)
    await write(jobId, ['unheard'])
    await end()
  })

  test('takes no message above 32 KiB', async () => {
    const { logs, end } = await waitingBuild()
    const { socket, closed } = await followRaw(server, `${logs}?follow`)
    socket.send(Buffer.alloc(32 * 1024 + 1))
    expect(await closed).toBe(1009)
    await end()
  })

  test('is refused in JSON before the upgrade: strangers, the signed out, other sites', async () => {
    const stranger = await createMember(server)
    const upgrade = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const ask = async (token: string | null, headers: Record<string, string> = {}) =>
      await callApi(server, `GET ${path}?follow`, { token, headers: { ...upgrade, ...headers } })
    expect(await ask(stranger.token)).toMatchObject({ status: 404, json: { message: expect.stringContaining('Resource not found') } })
    expect((await ask(null)).status).toBe(401)
    expect((await ask(server.firstUser.token, { Origin: 'https://elsewhere.example' })).status).toBe(403)
    expect((await ask(server.firstUser.token, { Origin: server.url })).status).toBe(101)
  })
})
