import { once } from 'node:events'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { WebSocket } from 'ws'
import { eventually } from './eventually.ts'
import { buildEnded, createMember, createVersion, importEnded } from './factories.ts'
import { connectAgent, createAgent, endOf, openSocket, opened, statusBecomes, type AgentPlace } from './fake-agent.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { agentStatsIntervalMs: 50 } })
})
afterAll(async () => await server.stop())

/** One end of the exchange, and what it has got so far. */
interface End {
  readonly socket: WebSocket
  readonly closed: ReturnType<typeof endOf>
  /** The arrays that came and were not asked for yet, in order. */
  next(): Promise<unknown>
  send(node: unknown): void
}

async function open(path: string, token: string, at: { readonly url: string } = server): Promise<End> {
  const socket = openSocket(at, path, token)
  const arrays: unknown[] = []
  socket.on('message', (data, isBinary) => {
    expect(isBinary).toBe(true)
    arrays.push(JSON.parse((data as Buffer).toString('utf8')))
  })
  const closed = endOf(socket)
  await opened(socket)
  onTestFinished(() => socket.terminate())
  return {
    socket,
    closed,
    next: async () => await eventually(async () => await Promise.resolve(arrays.shift())),
    send: (node) => socket.send(Buffer.from(JSON.stringify(node))),
  }
}

const asAgent = async ({ token }: AgentPlace): Promise<End> => await open('/workspaceagents/me/coordinate', token)
const asClient = async ({ id }: AgentPlace, token = server.firstUser.token): Promise<End> =>
  await open(`/workspaceagents/${id}/coordinate`, token)

test('a client gets the map of relays without a connected agent, the same as the agent', async () => {
  verifies('agents:coordinate:client')
  const { id, client } = await createAgent(server)
  const { derp_map } = await server.client.coordinator.connection({ params: { workspaceagent: id } })
  expect(derp_map).toEqual((await client.agents.metadata()).derpmap)
  expect(derp_map.Regions['999']?.Nodes.map(({ Name }) => Name)).toEqual(['999stun0', '999b'])
  expect(derp_map.Regions['999']?.Nodes[1]).toMatchObject({
    HostName: '127.0.0.1',
    DERPPort: Number(new URL(server.url).port),
    ForceHTTP: true,
  })
})

test('agent and clients learn each other’s nodes, each newer one too, and several clients at once', async () => {
  verifies('agents:coordinate:nodes', 'agents:coordinate:client', 'agents:coordinate:latest-build')
  const place = await createAgent(server)
  const [agent, one, two] = [await asAgent(place), await asClient(place), await asClient(place)]
  for (const id of [1, 2]) {
    const node = { id, key: 'nodekey:a', endpoints: [`10.0.0.${id}:1`], unknown_to_us: { kept: true } }
    agent.send(node)
    for (const client of [one, two]) expect(await client.next()).toEqual([node])
  }
  one.send({ id: 11, preferred_derp: 999 })
  expect(await agent.next()).toEqual([{ id: 11, preferred_derp: 999 }])
  two.send({ id: 22 })
  expect(await agent.next()).toEqual([{ id: 22 }])
})

test("whoever connects later gets the known nodes: a client the agent's newest, an agent those of the waiting clients", async () => {
  verifies('agents:coordinate:nodes')
  const place = await createAgent(server)
  const [one, two] = [await asClient(place), await asClient(place)]
  for (const [client, id] of [
    [one, 1],
    [two, 2],
  ] as const)
    client.send({ id })
  // A pong comes after what was sent before it was taken.
  await Promise.all([one, two].map(async ({ socket }) => await Promise.all([once(socket, 'pong'), Promise.resolve(socket.ping())])))
  const agent = await asAgent(place)
  expect(await agent.next()).toEqual([{ id: 1 }, { id: 2 }])
  agent.send({ id: 100 })
  agent.send({ id: 101 })
  expect(await one.next()).toEqual([{ id: 100 }])
  expect(await one.next()).toEqual([{ id: 101 }])
  expect(await (await asClient(place)).next()).toEqual([{ id: 101 }])
})

test('agent and clients meet whichever replicas they are connected to, whoever connects first', async () => {
  verifies('agents:coordinate:replicas')
  const replica = await startAnotherServer(server)
  onTestFinished(async () => await replica.stop())
  const place = await createAgent(server)
  const clientAt = async (at: { readonly url: string }): Promise<End> =>
    await open(`/workspaceagents/${place.id}/coordinate`, server.firstUser.token, at)
  const [early, here] = [await clientAt(replica), await clientAt(server)]
  early.send({ id: 1 })
  early.socket.ping()
  await once(early.socket, 'pong')
  const agent = await asAgent(place)
  await hears(agent, [1])
  for (const id of [100, 101]) {
    agent.send({ id })
    for (const client of [early, here]) await hears(client, [id])
  }
  const late = await clientAt(replica)
  await hears(late, [101])
  late.send({ id: 2 })
  await hears(agent, [2])
  agent.socket.close()
  await agent.closed
  const moved = await open('/workspaceagents/me/coordinate', place.token, replica)
  here.send({ id: 3 })
  moved.send({ id: 200 })
  for (const client of [here, late]) await hears(client, [200])
  await hears(moved, [1, 2, 3])
})

/** Waits until an end has got nodes. Replicas may tell of one twice. */
async function hears(end: End, ids: readonly number[]): Promise<void> {
  const missing = new Set(ids)
  while (missing.size > 0) for (const { id } of (await end.next()) as { id: number }[]) missing.delete(id)
}

test('the node of an agent that disconnected is sent to nobody, and a client stays connected until it returns', async () => {
  verifies('agents:coordinate:nodes')
  const place = await createAgent(server)
  const [first, client] = [await asAgent(place), await asClient(place)]
  first.send({ id: 1 })
  await client.next()
  first.socket.close()
  await statusBecomes(place, 'disconnected')
  const late = await asClient(place)
  const second = await asAgent(place)
  second.send({ id: 2 })
  expect(await late.next()).toEqual([{ id: 2 }])
  expect(await client.next()).toEqual([{ id: 2 }])
})

test('an agent is connected while it coordinates, with heartbeats, and disconnected after it', async () => {
  verifies('agents:coordinate:presence')
  const place = await createAgent(server)
  const agent = await asAgent(place)
  const connected = await statusBecomes(place, 'connected')
  expect(connected.first_connected_at).toBeDefined()
  await eventually(async () => {
    const { last_connected_at = '' } = await place.view()
    return Date.parse(last_connected_at) > Date.parse(connected.last_connected_at ?? '') ? true : undefined
  })
  agent.socket.close()
  const left = await statusBecomes(place, 'disconnected')
  expect(Date.parse(left.disconnected_at ?? '')).toBeGreaterThanOrEqual(Date.parse(left.last_connected_at ?? ''))
})

test('a second socket of an agent closes the first, and the agent stays connected', async () => {
  verifies('agents:coordinate:presence')
  const place = await createAgent(server)
  const first = await asAgent(place)
  await statusBecomes(place, 'connected')
  const second = await asAgent(place)
  expect(await first.closed).toEqual({ code: 1000, reason: 'the agent opened a newer connection' })
  expect((await place.view()).status).toBe('connected')
  second.socket.close()
  await statusBecomes(place, 'disconnected')
})

test('an agent with a tunnel and a coordination is connected until both have ended', async () => {
  verifies('agents:coordinate:presence')
  const place = await createAgent(server)
  const [tunnel, agent] = [await connectAgent(server, place.token), await asAgent(place)]
  await statusBecomes(place, 'connected')
  await tunnel.close()
  expect((await place.view()).status).toBe('connected')
  agent.socket.close()
  await statusBecomes(place, 'disconnected')
})

test('clients of the reference are refused at once by an agent that has a tunnel only, connected or not', async () => {
  verifies('agents:coordinate:own-agent')
  const place = await createAgent(server)
  const tunnel = await connectAgent(server, place.token)
  await statusBecomes(place, 'connected')
  const refused = async (): Promise<void> => {
    await expect(server.client.coordinator.connection({ params: { workspaceagent: place.id } })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('berth ssh'),
    })
  }
  await refused()
  await tunnel.close()
  await statusBecomes(place, 'disconnected')
  await refused()
  await asAgent(place)
  await statusBecomes(place, 'connected')
  await server.client.coordinator.connection({ params: { workspaceagent: place.id } })
})

test('an agent of an older build is disconnected, and may not reconnect: build is outdated', async () => {
  verifies('agents:coordinate:latest-build')
  const place = await createAgent(server)
  const agent = await asAgent(place)
  // Its build brings no agent with the same token.
  const next = await createVersion(server, {}, place.workspace.template_id)
  await importEnded(server.client, next.id)
  const { id } = await server.client.builds.create({
    params: { workspace: place.workspace.id },
    body: { transition: 'stop', template_version_id: next.id },
  })
  await buildEnded(server.client, id)
  expect(await agent.closed).toEqual({ code: 1001, reason: 'build is outdated' })
  await expect(asAgent(place)).rejects.toThrow(/^403: .*"detail":"build is outdated"/)
})

test('the latency of an agent is shown while it coordinates, in its workspace too', async () => {
  verifies('agents:latency')
  const place = await createAgent(server)
  const agent = await asAgent(place)
  agent.send({ preferred_derp: 999, derp_latency: { '999-v4': 0.5, '7-v4': 1, nonsense: 3 } })
  const expected = { 'Coder Embedded Relay': { preferred: true, latency_ms: 500 }, 'Unnamed 7': { preferred: false, latency_ms: 1000 } }
  const view = await eventually(async () => {
    const found = await place.view()
    return found.latency === undefined ? undefined : found
  })
  expect(view.latency).toEqual(expected)
  const { latest_build } = await server.client.workspaces.get({ params: { workspace: place.workspace.id } })
  expect(latest_build.resources[0]?.agents?.[0]?.latency).toEqual(expected)
  agent.socket.close()
  await statusBecomes(place, 'disconnected')
  expect(await place.view()).not.toHaveProperty('latency')
})

test('a message that is not a node closes its socket, of either side, and the other stays open', async () => {
  verifies('agents:coordinate:refused')
  const place = await createAgent(server)
  const agent = await asAgent(place)
  for (const [bytes, code] of [
    ['[]', 1011],
    ['{', 1011],
    [Buffer.alloc(33 * 1024, 'x'), 1009],
  ] as const) {
    const client = await asClient(place)
    client.socket.send(Buffer.from(bytes))
    expect((await client.closed).code).toBe(code)
  }
  const text = await asClient(place)
  text.socket.send('{}')
  expect((await text.closed).code).toBe(1003)
  const client = await asClient(place)
  client.send({ id: 5 })
  expect(await agent.next()).toEqual([{ id: 5 }])
})

test('another member gets 404 for connection and coordination, and no agent coordinates with the token of a person', async () => {
  verifies('agents:coordinate:refused')
  const place = await createAgent(server)
  const { token } = await createMember(server)
  await expect(asClient(place, token)).rejects.toThrow(/^404: /)
  await expect(server.clientFor(token).coordinator.connection({ params: { workspaceagent: place.id } })).rejects.toMatchObject({
    status: 404,
  })
  await expect(open('/workspaceagents/me/coordinate', server.firstUser.token)).rejects.toThrow(/^401: /)
})

test('the old socket of reports asks at once and at every interval, and stores what differs from the report before', async () => {
  verifies('agents:stats:socket')
  const place = await createAgent(server)
  const socket = openSocket(server, '/workspaceagents/me/report-stats', place.token)
  const answers = [
    { num_comms: 1, rx_bytes: 10, tx_bytes: 20 },
    { num_comms: 1, rx_bytes: 10, tx_bytes: 20 },
    { num_comms: 2, rx_bytes: 11, tx_bytes: 20 },
  ]
  let asked = 0
  socket.on('message', (data) => {
    expect((data as Buffer).toString('utf8')).toBe('{}')
    socket.send(JSON.stringify(answers[Math.min(asked++, answers.length - 1)]))
  })
  await opened(socket)
  onTestFinished(() => socket.terminate())
  await eventually(async () => await Promise.resolve(asked >= 6 ? true : undefined))
  const rows = await runSql(server, 'select payload from agent_stats where agent_id = $1 order by created_at', [place.id])
  expect(rows.map(({ payload }) => payload)).toEqual([answers[0], answers[2]])
  const closed = endOf(socket)
  socket.send('nonsense')
  expect((await closed).code).toBe(1007)
})
