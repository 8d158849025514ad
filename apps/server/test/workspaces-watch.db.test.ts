import { randomUUID } from 'node:crypto'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import type { Template, Workspace, WorkspaceAgent } from '@berth/schema'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WORKSPACES_CHANNEL } from '../src/database/channels.ts'
import { openDatabase } from '../src/database/database.ts'
import { PubSub, notify } from '../src/database/pubsub.ts'
import { WakeUps } from '../src/database/wake-ups.ts'
import { ResourcePresenter } from '../src/features/agents/present.ts'
import { WorkspaceStore, type WorkspaceView } from '../src/features/workspaces/store.ts'
import { WorkspaceWatches } from '../src/features/workspaces/watch-stream.ts'
import { EventStream } from '../src/http/event-stream.ts'
import { callApi } from './call-api.ts'
import { connectAgent } from './connect-agent.ts'
import { eventually } from './eventually.ts'
import { build, buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded, uniqueName } from './factories.ts'
import { holdBuilds } from './hold-builds.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { openWatch, type Watch } from './watch-events.ts'

const HOUR_MS = 3_600_000

let server: TestServer
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  template = await createTemplate(server, {}, { allow_user_cancel_workspace_jobs: true })
})
afterAll(async () => await server.stop())

async function running(of: Template = template, fields: { ttl_ms?: number } = {}): Promise<Workspace> {
  const workspace = await createWorkspace(server, of, fields)
  await buildEnded(server.client, workspace.latest_build.id)
  return await server.client.workspaces.get({ params: { workspace: workspace.id } })
}

async function watch(id: string, token?: string): Promise<Watch> {
  const watching = await openWatch(server, id, token)
  onTestFinished(watching.close)
  return watching
}

function agentOf({ latest_build }: Workspace): WorkspaceAgent | undefined {
  return latest_build.resources[0]?.agents?.[0]
}

test('the stream has the headers and the framing of an event stream, and opens with a ping', async () => {
  verifies('workspaces:watch:ping-first')
  const { id } = await running()
  const { response, text, next } = await watch(id)
  expect(response.statusCode).toBe(200)
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  })
  expect(text()).toBe('event: ping\n\n')
  await callApi(server, `PATCH /workspaces/${id}`, { body: { name: uniqueName('framed') } })
  const shown = await next()
  expect(shown).toEqual((await callApi(server, `GET /workspaces/${id}`)).json)
  expect(text()).toMatch(/^event: ping\n\nevent: data\ndata: \{[^\n]*\}\n\n$/)
})

test('nothing but pings comes before the first change', async () => {
  verifies('workspaces:watch:no-data-before-change')
  const [still, moving] = [await running(), await running()]
  const [quiet, other] = [await watch(still.id), await watch(moving.id)]
  await callApi(server, `PUT /workspaces/${moving.id}/ttl`, { body: { ttl_ms: HOUR_MS } })
  await other.next()
  // What the other watch has heard by now, this one would have heard too.
  expect(quiet.text()).toBe('event: ping\n\n')
})

test('a start shows build created, job acquired, job completed and agent connected, in that order', async () => {
  verifies('workspaces:watch:changes-in-order', 'rulings:watch-announces-every-change')
  const token = randomUUID()
  const own = await createTemplate(server, { apply: [{ complete: { resources: [{ name: 'box', agents: [{ name: 'main', token }] }] } }] })
  const workspace = await running(own)
  await build(server.client, workspace.id, 'stop')
  const letGo = await holdBuilds(server, own)
  const { next, changes } = await watch(workspace.id)
  await callApi(server, `POST /workspaces/${workspace.id}/builds`, { body: { transition: 'start' } })
  expect((await next()).latest_build).toMatchObject({ build_number: 3, status: 'pending', job: { status: 'pending' } })
  await letGo()
  await next(({ latest_build }) => latest_build.status === 'running')
  // Taken and completed: one event each, and the job never goes back.
  const statuses = changes().map(({ latest_build }) => latest_build.status)
  expect(statuses.length).toBeGreaterThanOrEqual(3)
  const order = ['pending', 'starting', 'running']
  expect(statuses.map((status) => order.indexOf(status))).toEqual(statuses.map((status) => order.indexOf(status)).toSorted((a, b) => a - b))
  const leave = await connectAgent(server, token)
  expect(agentOf(await next((seen) => agentOf(seen)?.status === 'connected'))).toHaveProperty('first_connected_at')
  leave()
  await next((seen) => agentOf(seen)?.status === 'disconnected')
})

describe('an event comes of', () => {
  test('cancels, renames, schedules, times until shutdown, deadlines and a new active version', async () => {
    verifies('workspaces:watch:every-trigger')
    const own = await createTemplate(server, {}, { allow_user_cancel_workspace_jobs: true })
    const { id } = await running(own, { ttl_ms: 8 * HOUR_MS })
    const { next } = await watch(id)
    const name = uniqueName('renamed')
    await callApi(server, `PATCH /workspaces/${id}`, { body: { name } })
    expect((await next()).name).toBe(name)
    await callApi(server, `PUT /workspaces/${id}/autostart`, { body: { schedule: '30 9 * * 1-5' } })
    expect((await next()).autostart_schedule).toBe('30 9 * * 1-5')
    await callApi(server, `PUT /workspaces/${id}/ttl`, { body: { ttl_ms: HOUR_MS } })
    expect((await next()).ttl_ms).toBe(HOUR_MS)
    await callApi(server, `PUT /workspaces/${id}/extend`, { body: { deadline: '2099-01-01T00:00:00Z' } })
    expect((await next()).latest_build.deadline).toBe('2099-01-01T00:00:00Z')
    expect((await callApi(server, `PUT /workspaces/${id}/extend`, { body: { deadline: '2001-01-01T00:00:00Z' } })).status).toBe(400)
    expect((await next()).latest_build.deadline).toBe('2099-01-01T00:00:00Z')
    const version = await createVersion(server, {}, own.id)
    await importEnded(server.client, version.id)
    await callApi(server, `PATCH /templates/${own.id}/versions`, { body: { id: version.id } })
    expect((await next()).outdated).toBe(true)
    await callApi(server, `PATCH /templates/${own.id}/versions`, { body: { id: version.id } })
    expect((await next()).outdated).toBe(true)
    const letGo = await holdBuilds(server, own)
    const { json } = await callApi(server, `POST /workspaces/${id}/builds`, { body: { transition: 'stop' } })
    expect((await next()).latest_build.status).toBe('pending')
    await callApi(server, `PATCH /workspacebuilds/${json.id}/cancel`)
    expect((await next()).latest_build.status).toBe('canceled')
    await letGo()
  })

  test('a build that fails, with and without state', async () => {
    for (const state of [undefined, Buffer.from('left')]) {
      const failing = await createTemplate(server, {
        plan: [{ complete: {} }],
        apply: [{ complete: { error: 'broken', ...(state && { state }) } }],
      })
      const letGo = await holdBuilds(server, failing)
      const { id } = await createWorkspace(server, failing)
      const { next } = await watch(id)
      await letGo()
      expect((await next(({ latest_build }) => latest_build.status === 'failed')).latest_build.job.error).toContain('broken')
    }
  })

  test('a workspace that is being made', async () => {
    const letGo = await holdBuilds(server, template)
    const { id } = await createWorkspace(server, template)
    const { next } = await watch(id)
    await letGo()
    expect((await next(({ latest_build }) => latest_build.status === 'running')).id).toBe(id)
  })

  test('an agent that does not come in time, though nobody says so', async () => {
    const late = await createTemplate(server, {
      apply: [{ complete: { resources: [{ name: 'box', agents: [{ name: 'a', connection_timeout_seconds: 1 }, { name: 'b' }] }] } }],
    })
    const { id } = await running(late)
    const { next } = await watch(id)
    const { latest_build } = await next()
    expect(latest_build.resources[0]?.agents?.map(({ status }) => status)).toEqual(['timeout', 'connecting'])
  })

  test('agents that do not come in time after each start, however many there are', async () => {
    verifies('agents:status:timeout')
    const late = await createTemplate(server, {
      apply: [
        {
          complete: {
            resources: [
              {
                name: 'box',
                agents: [
                  { name: 'a', connection_timeout_seconds: 1 },
                  { name: 'b', connection_timeout_seconds: 2 },
                ],
              },
            ],
          },
        },
      ],
    })
    const { id } = await running(late)
    const { next } = await watch(id)
    const timesOut = async (buildNumber: number, statuses: string[]): Promise<unknown> =>
      await next(
        ({ latest_build }) =>
          latest_build.build_number === buildNumber &&
          latest_build.resources[0]?.agents?.map(({ status }) => status).join() === statuses.join(),
      )
    for (const buildNumber of [1, 2, 4]) {
      await timesOut(buildNumber, ['timeout', 'connecting'])
      await timesOut(buildNumber, ['timeout', 'timeout'])
      if (buildNumber === 2) await build(server.client, id, 'stop')
      if (buildNumber < 4) await build(server.client, id, 'start')
    }
  })

  test('an agent that was last heard of too long ago, though nobody says so', async () => {
    const own = await createTemplate(server, { apply: [{ complete: { resources: [{ name: 'box', agents: [{ name: 'a' }] }] } }] })
    const { id, latest_build } = await running(own)
    await runSql(server, `update workspace_agents set first_connected_at = $2::timestamptz, last_connected_at = $2 where id = $1`, [
      latest_build.resources[0]?.agents?.[0]?.id,
      new Date(Date.now() - 4_500),
    ])
    const { next, events } = await watch(id)
    expect((await next()).latest_build.resources[0]?.agents?.[0]?.status).toBe('disconnected')
    expect(events().filter(({ event }) => event === 'data')).toHaveLength(1)
  })
})

test('the stream goes on after the workspace is deleted, and may begin then', async () => {
  verifies('workspaces:watch:survives-deletion')
  const { id } = await running()
  const before = await watch(id)
  await build(server.client, id, 'delete')
  await before.next(({ latest_build }) => latest_build.status === 'deleted')
  const after = await watch(id)
  await callApi(server, `PUT /workspaces/${id}/ttl`, { body: { ttl_ms: HOUR_MS } })
  for (const { next } of [before, after]) expect((await next()).ttl_ms).toBe(HOUR_MS)
  expect(before.response.complete).toBe(false)
})

test('who may not read the workspace gets JSON and no stream', async () => {
  const { id } = await running()
  const stranger = await createMember(server)
  expect(await callApi(server, `GET /workspaces/${id}/watch`, { token: stranger.token })).toMatchObject({
    status: 404,
    json: { message: expect.stringContaining('Resource not found') },
  })
  expect((await callApi(server, `GET /workspaces/${id}/watch`, { token: null })).status).toBe(401)
  expect((await callApi(server, 'GET /workspaces/dev/watch')).status).toBe(400)
  expect((await callApi(server, `GET /workspaces/${randomUUID()}/watch`)).status).toBe(404)
})

test('a reader that stalls holds up nobody, and when it reads again it ends with the newest state', async () => {
  const startup_script = '#'.repeat(500_000)
  const heavy = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'box', agents: [{ name: 'a', startup_script }] }] } }],
  })
  const { id } = await running(heavy)
  const [slow, quick] = [await watch(id), await watch(id)]
  slow.response.pause()
  const names = Array.from({ length: 40 }, (_, index) => `name-${index}`)
  for (const name of names) {
    await callApi(server, `PATCH /workspaces/${id}`, { body: { name } })
    await quick.next()
  }
  expect(quick.changes().map(({ name }) => name)).toEqual(names)
  slow.response.resume()
  await slow.next(({ name }) => name === 'name-39')
  const seen = slow.changes().map(({ name }) => name)
  expect(seen.length).toBeLessThan(names.length)
  expect(names.filter((name) => seen.includes(name))).toEqual(seen)
})

test('a change is read once, however many watch, and not at all when nobody does', async () => {
  const { id } = await running()
  const logger = pino({ level: 'silent' })
  const database = await openDatabase({ connectionUrl: server.databaseUrl, logger })
  const pubsub = new PubSub({ connectionUrl: server.databaseUrl, logger })
  await pubsub.ready
  let reads = 0
  class CountingStore extends WorkspaceStore {
    override async findView(workspaceId: string): Promise<WorkspaceView | undefined> {
      reads += 1
      return await super.findView(workspaceId)
    }
  }
  const { clock } = server
  const resources = new ResourcePresenter({ clock, inactiveDisconnectTimeoutMs: 5_000, fallbackTroubleshootingUrl: 'https://help' })
  const wakeUps = new WakeUps(pubsub, WORKSPACES_CHANNEL)
  const watches = new WorkspaceWatches({ store: new CountingStore(database.kysely), wakeUps, resources, clock })
  const http = createServer((_, response) => watches.add(id, new EventStream(response)))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    watches.close()
    http.closeAllConnections()
    http.close()
    wakeUps.close()
    await pubsub.close()
    await database.close()
  })
  const { port } = http.address() as AddressInfo
  const texts = Array.from({ length: 1000 }, () => '')
  const clients = [...texts.keys()].map((index) =>
    get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('data', (chunk: string) => (texts[index] += chunk))
    }).on('error', () => {}),
  )
  await eventually(async () => (texts.every((text) => text.includes('ping')) ? true : undefined))
  const before = reads
  await notify(database.kysely, WORKSPACES_CHANNEL, id)
  await eventually(async () => (texts.every((text) => text.endsWith('}\n\n')) ? true : undefined))
  expect(reads - before).toBe(1)
  // When all have left, nothing is read any more; the second message is heard after the first.
  for (const client of clients) client.destroy()
  await eventually(async () => (await promisify(http.getConnections.bind(http))()) === 0 || undefined)
  const heard = new Promise<void>((resolve) => wakeUps.on('another', resolve))
  await notify(database.kysely, WORKSPACES_CHANNEL, id)
  await notify(database.kysely, WORKSPACES_CHANNEL, 'another')
  await heard
  expect(reads - before).toBe(1)
})
