import { randomUUID } from 'node:crypto'
import type { EchoAgentInput } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import type { Client } from '@berth/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { buildEnded, createMember, createTemplate, createVersion, createWorkspace, importEnded } from './factories.ts'
import { connectAgent, createAgent, statusBecomes, type AgentPlace } from './fake-agent.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { openWatch } from './watch-events.ts'

const MINUTE_MS = 60_000

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const workspaceWithAgent = async (agent: EchoAgentInput = {}, options: Parameters<typeof createAgent>[2] = {}): Promise<AgentPlace> =>
  await createAgent(server, agent, options)

test('an agent is readable by id and shows what its template says, and nothing of its token', async () => {
  verifies('agents:get:by-id')
  const place = await workspaceWithAgent({
    architecture: 'arm64',
    operating_system: 'linux',
    directory: '/home/dev',
    startup_script: 'echo up',
    env: { EDITOR: 'vi' },
    connection_timeout_seconds: 120,
    troubleshooting_url: 'https://help.example.com',
  })
  const agent = await place.view()
  expect(agent).toMatchObject({
    id: place.id,
    name: 'main',
    status: 'connecting',
    architecture: 'arm64',
    operating_system: 'linux',
    directory: '/home/dev',
    startup_script: 'echo up',
    environment_variables: { EDITOR: 'vi' },
    connection_timeout_seconds: 120,
    troubleshooting_url: 'https://help.example.com',
    version: '',
    apps: [],
  })
  expect(JSON.stringify(agent)).not.toContain(place.token)
  const workspace = await server.client.workspaces.get({ params: { workspace: place.workspace.id } })
  expect(workspace.latest_build.resources[0]?.agents).toEqual([agent])
})

async function get(client: Client, workspaceagent: string): Promise<unknown> {
  return await client.agents.get({ params: { workspaceagent } })
}

test('an unknown agent is 404, that of an import 400, and that of a stranger the generic 404', async () => {
  await expect(get(server.client, randomUUID())).rejects.toMatchObject({ status: 404, message: "Agent doesn't exist with that id." })
  const { active_version_id } = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'a', type: 'b', agents: [{ name: 'main', token: randomUUID() }] }] } }],
  })
  const [resource] = await server.client.templateVersions.resources({ params: { templateversion: active_version_id } })
  await expect(get(server.client, resource?.agents?.[0]?.id ?? '')).rejects.toMatchObject({ status: 400 })
  const { client } = await createMember(server)
  const { id } = await workspaceWithAgent()
  await expect(get(client, id)).rejects.toMatchObject({
    status: 404,
    message: 'Resource not found or you do not have access to this resource',
  })
})

test('a resource with two agents lists both in the order of the provisioner, and carries its icon', async () => {
  verifies('agents:resources:two-agents')
  const resources = [{ name: 'box', type: 'machine', icon: '/box.svg', agents: [{ name: 'one' }, { name: 'another' }] }]
  const workspace = await createWorkspace(server, await createTemplate(server, { apply: [{ complete: { resources } }] }))
  const built = await buildEnded(server.client, workspace.latest_build.id)
  expect(built.resources[0]).toMatchObject({ icon: '/box.svg', agents: [{ name: 'one' }, { name: 'another' }] })
})

test('null metadata is dropped, empty metadata kept and sensitive metadata hidden, in order', async () => {
  verifies('agents:resources:metadata')
  const metadata = [
    { key: 'zone', value: 'north' },
    { key: 'null', is_null: true },
    { key: 'empty', value: '' },
    { key: 'apple', value: 'hidden', sensitive: true },
  ]
  const { workspace } = await workspaceWithAgent({}, { resource: { metadata } })
  const { latest_build } = await server.client.workspaces.get({ params: { workspace: workspace.id } })
  expect(latest_build.resources[0]?.metadata).toEqual([
    { key: 'zone', value: 'north', sensitive: false },
    { key: 'empty', value: '', sensitive: false },
    { key: 'apple', value: '********', sensitive: true },
  ])
})

test("an agent without a troubleshooting URL has the deployment's", async () => {
  verifies('agents:troubleshooting-url')
  const [without, own] = [await workspaceWithAgent(), await workspaceWithAgent({ troubleshooting_url: 'https://own.example.com' })]
  expect((await without.view()).troubleshooting_url).toBe(`${server.url}/docs`)
  expect((await own.view()).troubleshooting_url).toBe('https://own.example.com')
})

const CHECKED = {
  slug: 'checked',
  display_name: 'Checked',
  url: 'http://localhost:3030',
  healthcheck: { url: 'http://localhost:3030/up', interval: 5, threshold: 6 },
}
const PLAIN = { slug: 'a-plain-one', url: 'http://localhost:3031', command: 'top', icon: '/app.svg' }

test('an app without a health check is disabled, one with a check initializing; apps come by slug', async () => {
  verifies('agents:apps:health')
  const { view } = await workspaceWithAgent({ apps: [CHECKED, PLAIN] })
  expect((await view()).apps).toMatchObject([
    { slug: 'a-plain-one', health: 'disabled', healthcheck: { url: '', interval: 0, threshold: 0 }, command: 'top', icon: '/app.svg' },
    { slug: 'checked', health: 'initializing', healthcheck: CHECKED.healthcheck, sharing_level: 'owner' },
  ])
})

test('an empty health report, a value that is none, an app without a check and one of another agent are refused, and nothing is stored', async () => {
  verifies('agents:app-health:refused')
  const { client, view } = await workspaceWithAgent({ apps: [CHECKED, PLAIN] })
  const foreign = await workspaceWithAgent({ apps: [CHECKED] })
  const [plain, checked] = (await view()).apps.map(({ id }) => id)
  const report = async (Healths: unknown): Promise<unknown> =>
    await client.agents.updateAppHealth({ body: { Healths: Healths as Record<string, 'healthy'> } }) // bad on purpose
  await expect(report({})).rejects.toMatchObject({ status: 400 })
  await expect(report(null)).rejects.toMatchObject({ status: 400 })
  await expect(report({ 'no-uuid': 'healthy' })).rejects.toMatchObject({ status: 400 })
  await expect(report({ [checked ?? '']: 'great' })).rejects.toMatchObject({ status: 400 })
  await expect(report({ [checked ?? '']: 'disabled' })).rejects.toMatchObject({ status: 400 })
  await expect(report({ [plain ?? '']: 'healthy' })).rejects.toMatchObject({ status: 404 })
  await expect(report({ [(await foreign.view()).apps[0]?.id ?? '']: 'healthy' })).rejects.toMatchObject({ status: 404 })
  await expect(report({ [checked ?? '']: 'healthy', [randomUUID()]: 'healthy' })).rejects.toMatchObject({ status: 404 })
  expect((await view()).apps.map(({ health }) => health)).toEqual(['disabled', 'initializing'])
})

test('reported health is stored and shown, in the metadata of the agent too', async () => {
  verifies('agents:app-health:stored')
  const { client, view } = await workspaceWithAgent({ apps: [CHECKED] })
  const id = (await view()).apps[0]?.id ?? ''
  for (const health of ['healthy', 'unhealthy'] as const) {
    await client.agents.updateAppHealth({ body: { Healths: { [id]: health } } })
    expect((await view()).apps[0]?.health).toBe(health)
    expect((await client.agents.metadata()).apps[0]?.health).toBe(health)
  }
})

test('the metadata of an agent is complete, even when its template sets nothing', async () => {
  const { client } = await workspaceWithAgent()
  expect(await client.agents.metadata()).toEqual({
    git_auth_configs: 0,
    vscode_port_proxy_uri: `:${new URL(server.url).port}`,
    apps: [],
    derpmap: { Regions: { 999: expect.objectContaining({ RegionName: 'Coder Embedded Relay' }) } },
    environment_variables: null,
    startup_script: '',
    directory: '',
    motd_file: '',
  })
  const full = await workspaceWithAgent({ env: { A: 'b' }, startup_script: 'go', directory: '/d', motd_file: '/etc/motd', apps: [PLAIN] })
  expect(await full.client.agents.metadata()).toMatchObject({
    environment_variables: { A: 'b' },
    startup_script: 'go',
    directory: '/d',
    motd_file: '/etc/motd',
    apps: [{ slug: 'a-plain-one' }],
  })
})

test("without a token, with an invalid one and with an unknown one an agent is 401; so is a person's session", async () => {
  for (const token of [undefined, 'nonsense', randomUUID(), server.firstUser.token])
    await expect(server.clientFor(token).agents.metadata(), String(token)).rejects.toMatchObject({ status: 401 })
  const { client } = await workspaceWithAgent()
  await expect(client.workspaces.list()).rejects.toMatchObject({ status: 401 })
})

test.each(['v1', 'v1.2', 'v1.2.3', 'v1.2.3-pre.1+meta', 'v0.0.0-devel+abc'])('the version %s is stored', async (version) => {
  const { client, view } = await workspaceWithAgent()
  await client.agents.updateVersion({ body: { version } })
  expect((await view()).version).toBe(version)
})

test('an invalid version is 400 with a detail that quotes it', async () => {
  const { client, view } = await workspaceWithAgent()
  for (const version of ['', '1.2.3', 'v01.2.3', 'v1.2.3.4', 'v1.2.x', `v1.2.3-${'a'.repeat(1_000)}!`])
    await expect(client.agents.updateVersion({ body: { version } }), version).rejects.toMatchObject({
      status: 400,
      detail: expect.stringContaining(JSON.stringify(version)),
    })
  expect((await view()).version).toBe('')
})

test('an agent that has not connected is connecting, and late after its timeout; one that comes later is connected', async () => {
  verifies('agents:status:timeout')
  const [late, patient] = [await workspaceWithAgent({ connection_timeout_seconds: 1 }), await workspaceWithAgent()]
  expect((await late.view()).status).toBe('connecting')
  server.clock.advance(1_500)
  expect((await late.view()).status).toBe('timeout')
  expect((await patient.view()).status).toBe('connecting')
  const agent = await connectAgent(server, late.token)
  await statusBecomes(late, 'connected')
  await agent.close()
})

test('an agent is connected while its tunnel is open, disconnected after it, and connected again', async () => {
  const place = await workspaceWithAgent()
  const agent = await connectAgent(server, place.token)
  const connected = await statusBecomes(place, 'connected')
  expect(connected.first_connected_at).toBeDefined()
  expect(connected).not.toHaveProperty('disconnected_at')
  const later = await eventually(async () => {
    const now = await place.view()
    return Date.parse(now.last_connected_at ?? '') > Date.parse(connected.last_connected_at ?? '') ? now : undefined
  })
  expect(later.first_connected_at).toBe(connected.first_connected_at)
  await agent.close()
  const left = await statusBecomes(place, 'disconnected')
  expect(Date.parse(left.disconnected_at ?? '')).toBeGreaterThanOrEqual(Date.parse(left.last_connected_at ?? ''))
  const again = await connectAgent(server, place.token)
  expect((await statusBecomes(place, 'connected')).first_connected_at).toBe(connected.first_connected_at)
  await again.close()
})

test('an agent that was not seen for long counts as disconnected since it was last seen', async () => {
  const place = await workspaceWithAgent()
  const heardOf = new Date(server.clock.now().getTime() - 60_000)
  await runSql(server, 'update workspace_agents set first_connected_at = $2, last_connected_at = $2 where id = $1', [place.id, heardOf])
  const { status, disconnected_at, last_connected_at } = await place.view()
  expect(status).toBe('disconnected')
  expect(disconnected_at).toBe(last_connected_at)
})

test('an agent of an older build may not connect, and a connected one is disconnected', async () => {
  verifies('agents:connect:outdated', 'agents:coordinate:latest-build')
  const place = await workspaceWithAgent()
  const agent = await connectAgent(server, place.token)
  await statusBecomes(place, 'connected')
  const next = await createVersion(server, {}, place.workspace.template_id)
  await importEnded(server.client, next.id)
  const { id } = await server.client.builds.create({
    params: { workspace: place.workspace.id },
    body: { transition: 'stop', template_version_id: next.id },
  })
  await buildEnded(server.client, id)
  expect(await agent.closed).toEqual({ code: 1001, reason: 'build is outdated' })
  await expect(connectAgent(server, place.token)).rejects.toThrow(/^403: .*"detail":"build is outdated"/)
  await expect(place.client.agents.metadata()).rejects.toMatchObject({ status: 403, detail: 'build is outdated' })
})

test("with the token of an import's agent, opening a tunnel and reporting traffic are 400", async () => {
  const token = randomUUID()
  const resources = [{ name: 'a', type: 'b', agents: [{ name: 'main', token }] }]
  await createTemplate(server, { apply: [{ complete: { resources } }] })
  await expect(connectAgent(server, token)).rejects.toThrow(/^400: /)
  await expect(server.clientFor(token).agents.reportStats({ body: { rx_bytes: 1 } })).rejects.toMatchObject({ status: 400 })
})

test('a second socket of an agent closes the first, and the agent stays connected', async () => {
  const place = await workspaceWithAgent()
  const first = await connectAgent(server, place.token)
  await statusBecomes(place, 'connected')
  const second = await connectAgent(server, place.token)
  expect(await first.closed).toEqual({ code: 1000, reason: 'the agent opened a newer connection' })
  expect((await place.view()).status).toBe('connected')
  await second.close()
  await statusBecomes(place, 'disconnected')
})

test("the heartbeat of all agents writes one row, and none of the agents' rows", async () => {
  const places = await Promise.all(Array.from({ length: 5 }, async () => await workspaceWithAgent()))
  const agents = await Promise.all(places.map(async ({ token }) => await connectAgent(server, token)))
  for (const place of places) await statusBecomes(place, 'connected')
  const writers = async (): Promise<unknown> =>
    await runSql(server, 'select id, xmin::text as writer from workspace_agents where id = any($1) order by id', [
      places.map(({ id }) => id),
    ])
  const before = await writers()
  const heardOf = new Set<string>()
  await eventually(async () => {
    const views = await Promise.all(places.map(async ({ view }) => await view()))
    const instants = new Set(views.map(({ last_connected_at }) => last_connected_at ?? ''))
    if (instants.size === 1) for (const instant of instants) heardOf.add(instant)
    return heardOf.size >= 3 ? true : undefined
  })
  expect(await writers()).toEqual(before)
  for (const agent of agents) await agent.close()
})

test('an agent whose connection or disconnection was not stored is corrected by the next heartbeat', async () => {
  const [here, gone] = [await workspaceWithAgent(), await workspaceWithAgent()]
  const agent = await connectAgent(server, here.token)
  await statusBecomes(here, 'connected')
  const before = new Date(server.clock.now().getTime() - 1_000)
  await runSql(
    server,
    `update workspace_agents set connected_replica_id = (select connected_replica_id from workspace_agents where id = $2),
       first_connected_at = $3, last_connected_at = $3 where id = $1`,
    [gone.id, here.id, before],
  )
  await runSql(
    server,
    'update workspace_agents set connected_replica_id = null, first_connected_at = null, last_connected_at = null where id = $1',
    [here.id],
  )
  await statusBecomes(gone, 'disconnected')
  await statusBecomes(here, 'connected')
  await agent.close()
  await statusBecomes(here, 'disconnected')
})

test('traffic moves last_used_at; a report without traffic leaves nothing', async () => {
  verifies('agents:stats:last-used')
  const { client, workspace, id } = await workspaceWithAgent()
  const read = async (): Promise<Workspace> => await server.client.workspaces.get({ params: { workspace: workspace.id } })
  const before = await read()
  const quiet = await client.agents.reportStats({ body: { num_comms: 3, rx_bytes: 0, tx_bytes: 0 } })
  expect(quiet).toEqual({ report_interval: 10 * MINUTE_MS * 1_000_000 })
  expect((await read()).last_used_at).toBe(before.last_used_at)
  await client.agents.reportStats({
    body: { conns_by_proto: { TCP: 1 }, num_comms: 1, rx_packets: 1, rx_bytes: 1, tx_packets: 1, tx_bytes: 1 },
  })
  expect(Date.parse((await read()).last_used_at)).toBeGreaterThan(Date.parse(before.last_used_at))
  const rows = await runSql(server, 'select payload, workspace_id, template_id, user_id from agent_stats where agent_id = $1', [id])
  expect(rows).toEqual([
    {
      payload: expect.anything(),
      workspace_id: workspace.id,
      template_id: workspace.template_id,
      user_id: server.firstUser.user_id,
    },
  ])
})

test('traffic moves a deadline that is less than 50 minutes away to an hour from now; reading does not', async () => {
  verifies('workspaces:activity:bump', 'workspaces:activity:reading')
  const place = await workspaceWithAgent({}, { ttl_ms: 90 * MINUTE_MS })
  const deadline = async (): Promise<number> => {
    const { latest_build } = await server.client.workspaces.get({ params: { workspace: place.workspace.id } })
    return Date.parse(latest_build.deadline ?? '')
  }
  const report = async (): Promise<unknown> => await place.client.agents.reportStats({ body: { tx_bytes: 1 } })
  const first = await deadline()
  await report()
  expect(await deadline()).toBe(first)
  server.clock.advance(30 * MINUTE_MS)
  await report()
  expect(await deadline()).toBe(first)
  server.clock.advance(11 * MINUTE_MS)
  expect(await deadline()).toBe(first)
  const before = server.clock.now().getTime()
  await report()
  const bumped = await deadline()
  expect(bumped).toBeGreaterThanOrEqual(before + 60 * MINUTE_MS)
  expect(bumped).toBeLessThanOrEqual(server.clock.now().getTime() + 60 * MINUTE_MS)
})

test('a watch of a workspace gets the deadline that activity moved', async () => {
  verifies('rulings:watch-activity-bump')
  const { client, workspace } = await workspaceWithAgent({}, { ttl_ms: MINUTE_MS })
  const watch = await openWatch(server, workspace.id)
  await client.agents.reportStats({ body: { rx_bytes: 1 } })
  const isMoved = ({ latest_build }: Workspace): boolean =>
    Date.parse(latest_build.deadline ?? '') > server.clock.now().getTime() + 59 * MINUTE_MS
  expect((await watch.next(isMoved)).id).toBe(workspace.id)
  watch.close()
})

test('traffic gives no deadline to a workspace that has none', async () => {
  const { client, workspace } = await workspaceWithAgent()
  await client.agents.reportStats({ body: { tx_bytes: 1 } })
  expect((await server.client.workspaces.get({ params: { workspace: workspace.id } })).latest_build.deadline).toBeNull()
})

test('an agent whose server stops is stored as disconnected before the server ends', async () => {
  const stopping = await startTestServer()
  let row
  try {
    const token = randomUUID()
    const resources = [{ name: 'box', type: 'machine', agents: [{ name: 'main', token }] }]
    const workspace = await createWorkspace(stopping, await createTemplate(stopping, { apply: [{ complete: { resources } }] }))
    await buildEnded(stopping.client, workspace.latest_build.id)
    const agent = await connectAgent(stopping, token)
    await eventually(async () => {
      const { latest_build } = await stopping.client.workspaces.get({ params: { workspace: workspace.id } })
      return latest_build.resources[0]?.agents?.[0]?.status === 'connected' ? true : undefined
    })
    await stopping.server.stop()
    expect(await agent.closed).toEqual({ code: 1001, reason: 'the server is shutting down' })
    ;[row] = await runSql(
      stopping,
      'select disconnected_at > last_connected_at as is_noted, connected_replica_id from workspace_agents where first_connected_at is not null',
    )
  } finally {
    await stopping.stop()
  }
  expect(row).toEqual({ is_noted: true, connected_replica_id: null })
})
