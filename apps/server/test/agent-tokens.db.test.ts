import { verifies } from '@berth/requirements'
import { api, type EndpointSpec } from '@berth/schema'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from './eventually.ts'
import { build, buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded, type Member } from './factories.ts'
import { endOf, openSocket, opened, type SocketEnd } from './fake-agent.ts'
import { startGitHost, type GitHost } from './git-host.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer, type AnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const REPOSITORY = encodeURIComponent('https://github.com/ada/engine')
const NEVER_MS = 3_600_000
const OUTDATED = { code: 1001, reason: 'build is outdated' }
const REVOKED = { code: 1008, reason: 'the agent may no longer connect' }

let host: GitHost
/** Its heartbeat never comes, so only notifications end what is open. */
let server: TestServer
/** Its heartbeat comes often. */
let beating: AnotherServer
beforeAll(async () => {
  host = await startGitHost()
  const gitAuthProviders = [host.provider()]
  server = await startTestServer({ config: { agentConnectionUpdateFrequencyMs: NEVER_MS, gitAuthProviders } })
  beating = await startAnotherServer(server, { config: { gitAuthProviders } })
})
afterAll(async () => {
  await beating.stop()
  await server.stop()
  await host.stop()
})

interface Place {
  readonly owner: Member
  readonly workspace: string
  readonly template: string
  readonly token: string
}

/** A member's running workspace with an agent. Its other builds bring no agent. */
async function settle(): Promise<Place> {
  const owner = await createMember(server)
  const token = crypto.randomUUID()
  const template = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'box', type: 'machine', agents: [{ name: 'main', token }] }] } }],
  })
  const workspace = await createWorkspace(server, template, { client: owner.client })
  await buildEnded(owner.client, workspace.latest_build.id)
  return { owner, workspace: workspace.id, template: template.id, token }
}

/** Builds a workspace from a version without agents. */
async function buildWithoutAgent({ workspace, template }: Place, transition: 'start' | 'stop' | 'delete'): Promise<void> {
  const version = await createVersion(server, {}, template)
  await importEnded(server.client, version.id)
  const { id } = await server.client.builds.create({ params: { workspace }, body: { transition, template_version_id: version.id } })
  await buildEnded(server.client, id)
}

const suspend = async ({ owner }: Place): Promise<unknown> => await server.client.users.suspend({ params: { user: owner.id } })

const AGENT_ENDPOINTS = Object.values(api)
  .flatMap((group): EndpointSpec[] => Object.values(group))
  .filter(({ access }) => access === 'agent')

/** What each endpoint for agents answers to a token, before it looks at anything else. */
async function answers(token: string): Promise<Record<string, { status: number; detail: unknown }>> {
  const all = AGENT_ENDPOINTS.map(async ({ method, path }) => {
    const response = await fetch(`${server.url}/api/v2${path}`, { method, headers: { 'Coder-Session-Token': token } })
    const { detail } = (await response.json()) as { detail?: string }
    return [`${method} ${path}`, { status: response.status, detail }] as const
  })
  return Object.fromEntries(await Promise.all(all))
}

/** Opens everything that an agent can hold open. Returns how each ends. */
async function openAll({ token }: Place, at: { readonly url: string } = server): Promise<Record<string, Promise<SocketEnd | number>>> {
  const ends: Record<string, Promise<SocketEnd | number>> = {}
  for (const path of AGENT_ENDPOINTS.filter(({ delivery }) => delivery === 'websocket').map((spec) => spec.path)) {
    const socket = openSocket(at, path, token)
    ends[path] = endOf(socket)
    await opened(socket)
    onTestFinished(() => socket.terminate())
  }
  const [before] = await runSql(server, 'select clock_timestamp() as asked_at')
  ends['git sign-in'] = fetch(`${at.url}/api/v2/workspaceagents/me/gitauth?url=${REPOSITORY}&listen`, {
    headers: { 'Coder-Session-Token': token },
  }).then(({ status }) => status)
  // The request waits once it has looked for a token.
  await eventually(async () => {
    const looks = `select from pg_stat_activity where datname = current_database() and query ilike '%git_auth_links%' and query_start > $1`
    const { length } = await runSql(server, `${looks} and pid <> pg_backend_pid()`, [before?.['asked_at']])
    return length > 0 ? true : undefined
  })
  return ends
}

async function settled(ends: Record<string, Promise<unknown>>): Promise<Record<string, unknown>> {
  return Object.fromEntries(await Promise.all(Object.entries(ends).map(async ([name, end]) => [name, await end] as const)))
}

const allOf = (names: readonly string[], value: unknown): Record<string, unknown> => Object.fromEntries(names.map((name) => [name, value]))

const SOCKETS = AGENT_ENDPOINTS.filter(({ delivery }) => delivery === 'websocket').map(({ path }) => path)
const NAMES = AGENT_ENDPOINTS.map(({ method, path }) => `${method} ${path}`)

const LOSSES: readonly [after: string, lose: (place: Place) => Promise<unknown>, status: 401 | 403][] = [
  ['a stop', async (place) => await buildWithoutAgent(place, 'stop'), 403],
  ['another start', async (place) => await buildWithoutAgent(place, 'start'), 403],
  ['the deletion of its workspace', async (place) => await buildWithoutAgent(place, 'delete'), 401],
  ['a deletion whose build brings the agent', async ({ workspace }) => await build(server.client, workspace, 'delete'), 401],
  ['the suspension of its owner', suspend, 401],
]

test.each(LOSSES)('after %s no endpoint knows an agent, and everything it holds open ends at once', async (_after, lose, status) => {
  verifies('agents:token:lives', 'agents:token:connections')
  const place = await settle()
  const before = await answers(place.token)
  expect(Object.keys(before)).toContain('GET /workspaceagents/me/gitsshkey')
  for (const [name, answer] of Object.entries(before)) expect([401, 403], name).not.toContain(answer.status)
  const ends = await openAll(place)
  await lose(place)
  const ended = await settled(ends)
  // A delete outdates the build before it deletes the workspace.
  const [reason, answer] = lose === suspend ? [REVOKED, 401] : [OUTDATED, 403]
  expect(ended).toEqual({ ...allOf(SOCKETS, reason), 'git sign-in': answer })
  const detail = status === 403 ? 'build is outdated' : expect.stringContaining('this agent is invalid')
  expect(await answers(place.token)).toEqual(allOf(NAMES, { status, detail }))
})

test('an agent is back when its owner is active again', async () => {
  verifies('agents:token:lives')
  const place = await settle()
  await suspend(place)
  await expect(server.clientFor(place.token).agents.metadata()).rejects.toMatchObject({ status: 401 })
  await server.client.users.activate({ params: { user: place.owner.id } })
  expect((await server.clientFor(place.token).agents.metadata()).apps).toEqual([])
})

test('a loss that nobody announced ends everything at the next heartbeat', async () => {
  verifies('agents:token:connections')
  for (const statement of ['update users set deleted = true where id = $1', 'update workspaces set deleted = true where owner_id = $1']) {
    const place = await settle()
    const ends = await openAll(place, beating)
    await runSql(server, statement, [place.owner.id])
    expect(await settled(ends)).toEqual({ ...allOf(SOCKETS, REVOKED), 'git sign-in': 401 })
    await expect(server.clientFor(place.token).agents.metadata()).rejects.toMatchObject({ status: 401 })
  }
})

test('agents of other workspaces of the same owner stay connected through a stop', async () => {
  verifies('agents:token:connections')
  const place = await settle()
  const neighbour = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'box', type: 'machine', agents: [{ name: 'main', token: crypto.randomUUID() }] }] } }],
  })
  const other = await createWorkspace(server, neighbour, { client: place.owner.client })
  await buildEnded(place.owner.client, other.latest_build.id)
  const ends = await openAll(place)
  await build(place.owner.client, other.id, 'stop')
  const first = await Promise.race([...Object.values(ends), server.clientFor(place.token).agents.metadata()])
  expect(first).toMatchObject({ apps: [] })
})
