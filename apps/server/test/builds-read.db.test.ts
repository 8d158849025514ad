import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Template, Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi, type ApiAnswer } from './call-api.ts'
import { build, buildEnded, createMember, createTemplate, createWorkspace } from './factories.ts'
import { holdBuilds } from './hold-builds.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const HOUR_MS = 3_600_000
const NOT_FOUND = { message: expect.stringContaining('Resource not found') }

let server: TestServer
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  template = await createTemplate(server)
})
afterAll(async () => await server.stop())

async function running(): Promise<Workspace> {
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  return workspace
}

let shared: Workspace | undefined
async function anyWorkspace(): Promise<Workspace> {
  return (shared ??= await running())
}

/** The query value of a time that lies so far from now. */
function at(ms: number): string {
  return encodeURIComponent(new Date(server.clock.now().getTime() + ms).toISOString())
}

async function list(id: string, query = ''): Promise<ApiAnswer> {
  return await callApi(server, `GET /workspaces/${id}/builds${query}`)
}

async function numbers(id: string, query = ''): Promise<number[]> {
  return (await list(id, query)).json.map(({ build_number }: { build_number: number }) => build_number)
}

describe('a build is read', () => {
  test('by its id, and by owner, name and number', async () => {
    verifies('builds:get:by-id-and-number')
    const { id, name, latest_build } = await running()
    const byId = await callApi(server, `GET /workspacebuilds/${latest_build.id}`)
    expect([byId.status, byId.json.id, byId.json.template_version_name]).toEqual([200, latest_build.id, expect.stringMatching(/./)])
    for (const number of ['1', '+1', '01']) {
      const byNumber = await callApi(server, `GET /users/me/workspace/${name.toUpperCase()}/builds/${number}`)
      expect([byNumber.status, byNumber.json]).toEqual([200, byId.json])
    }
    await build(server.client, id, 'delete')
    expect((await callApi(server, `GET /workspacebuilds/${latest_build.id}`)).json.id).toBe(latest_build.id)
    expect(await callApi(server, `GET /users/me/workspace/${name}/builds/1`)).toMatchObject({ status: 404, json: NOT_FOUND })
  })

  test.each(['one', '1.5', '1e1', '2147483648', '%20', 'latest'])('not by the number %j: 400', async (number) => {
    verifies('builds:get:bad-number')
    const { status, json } = await callApi(server, `GET /users/me/workspace/nowhere/builds/${number}`)
    expect([status, json.message]).toEqual([400, expect.stringContaining('Failed to parse build number as integer.')])
  })

  test('not of an unknown workspace, and not by a number that it has not', async () => {
    verifies('builds:get:unknown-workspace', 'builds:get:missing-number')
    expect(await callApi(server, 'GET /users/me/workspace/nowhere/builds/1')).toMatchObject({ status: 404, json: NOT_FOUND })
    const name = (await anyWorkspace()).name.toUpperCase()
    for (const number of [200, 0, -1]) {
      const { status, json } = await callApi(server, `GET /users/me/workspace/${name}/builds/${number}`)
      expect([status, json.message]).toEqual([404, expect.stringContaining(`Workspace "${name}" Build ${number} does not exist.`)])
    }
  })

  test('not by an unknown id, nor by one that is none', async () => {
    expect(await callApi(server, `GET /workspacebuilds/${randomUUID()}`)).toMatchObject({ status: 404, json: NOT_FOUND })
    expect(await callApi(server, 'GET /workspacebuilds/1')).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('workspacebuild') },
    })
  })
})

describe('the builds of a workspace', () => {
  test('are one when it is new; since cuts by time', async () => {
    verifies('builds:list:new-workspace')
    const { id } = await running()
    expect((await list(id)).json).toMatchObject([{ build_number: 1, initiator_name: 'testuser' }])
    expect((await list(id, `?since=${at(60_000)}`)).text).toBe('[]\n')
    for (const since of [at(-HOUR_MS), '0001-01-01T00:00:00Z', '']) expect(await numbers(id, `?since=${since}`)).toEqual([1])
    expect((await list(id, '?since=yesterday')).status).toBe(400)
  })

  test('come newest first, in pages, and older than a cursor', async () => {
    verifies('builds:list:paging', 'rulings:after-id', 'rulings:negative-paging', 'rulings:empty-list-is-array')
    const { id } = await running()
    for (const transition of ['stop', 'start', 'stop', 'start'] as const) await build(server.client, id, transition)
    expect(await numbers(id)).toEqual([5, 4, 3, 2, 1])
    expect(await numbers(id, '?limit=3')).toEqual([5, 4, 3])
    expect(await numbers(id, '?limit=3&offset=3')).toEqual([2, 1])
    expect((await list(id, '?offset=5')).text).toBe('[]\n')
    const [, fourth] = (await list(id)).json
    expect(await numbers(id, `?after_id=${fourth.id}`)).toEqual([3, 2, 1])
    expect(await numbers(id, `?after_id=${fourth.id}&limit=1`)).toEqual([3])
    for (const query of ['?limit=-1', '?offset=-1']) expect((await list(id, query)).status).toBe(400)
  })

  test('are not to be had after a build that does not exist', async () => {
    verifies('builds:list:unknown-cursor')
    const { status, json } = await list((await anyWorkspace()).id, `?after_id=${randomUUID()}`)
    expect([status, json.message]).toEqual([400, expect.stringContaining('does not exist')])
  })

  test('name an initiator who was deleted', async () => {
    verifies('builds:list:deleted-initiator')
    const { id } = await running()
    const second = await createMember(server)
    await runSql(server, `update users set rbac_roles = '{owner}' where id = $1`, [second.id])
    await buildEnded(
      server.client,
      (await callApi(server, `POST /workspaces/${id}/builds`, { body: { transition: 'stop' }, token: second.token })).json.id,
    )
    await runSql(server, 'update users set deleted = true where id = $1', [second.id])
    expect((await list(id)).json[0]).toMatchObject({ initiator_id: second.id, initiator_name: second.username })
  })
})

test('the resources of a build that has not ended are 412, and none are an empty list', async () => {
  const held = await createTemplate(server)
  const letGo = await holdBuilds(server, held)
  const waiting = await createWorkspace(server, held)
  expect((await callApi(server, `GET /workspacebuilds/${waiting.latest_build.id}/resources`)).status).toBe(412)
  await letGo()
  expect((await callApi(server, `GET /workspacebuilds/${(await anyWorkspace()).latest_build.id}/resources`)).text).toBe('[]\n')
})
