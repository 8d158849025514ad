import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from './eventually.ts'
import { connectAgent, connectClient, createAgent, openSocket, opened, statusBecomes, type AgentPlace } from './fake-agent.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer, type AnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let first: TestServer
let second: AnotherServer
beforeAll(async () => {
  first = await startTestServer()
  second = await startAnotherServer(first)
})
afterAll(async () => {
  await second.stop()
  await first.stop()
})

type At = Pick<TestServer, 'url' | 'client'>

const replicaOf = async ({ id }: AgentPlace): Promise<string | null> => {
  const [row] = (await runSql(first, 'select connected_replica_id from workspace_agents where id = $1', [id])) as {
    connected_replica_id: string | null
  }[]
  return row?.connected_replica_id ?? null
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * The refusals of everything that dials an agent: its ports, its terminal and a client's tunnel.
 */
async function refusalsAt(server: At, { id }: AgentPlace): Promise<string[]> {
  const client = await connectClient(server, { agentId: id, token: first.firstUser.token })
  onTestFinished(() => client.close())
  const terminal = opened(openSocket(server, `/workspaceagents/${id}/pty?reconnect=${randomUUID()}`, first.firstUser.token))
  return await Promise.all([
    server.client.agents.listeningPorts({ params: { workspaceagent: id } }).then(String, messageOf),
    terminal.then(String, (error: unknown) => (JSON.parse(messageOf(error).replace(/^428: /, '')) as { message: string }).message),
    client.dial('ssh').then(String, messageOf),
  ])
}

/** Connects an agent that echoes ssh and lists no ports. */
async function connectAt(server: At, { token }: AgentPlace) {
  const agent = await connectAgent(server, token, ({ target, accept }) => {
    const stream = accept()
    if (target === 'ssh') stream.pipe(stream)
    else stream.end('{"ports":[]}')
  })
  onTestFinished(async () => await agent.close())
  return agent
}

async function dialAt(server: At, { id }: AgentPlace): Promise<string> {
  const client = await connectClient(server, { agentId: id, token: first.firstUser.token })
  onTestFinished(() => client.close())
  const stream = await client.dial('ssh')
  stream.end('hello')
  return await text(stream)
}

test('an agent that never connected is refused by its status, on every replica', async () => {
  const place = await createAgent(first)
  const refusal = 'Agent state is "connecting", it must be in the "connected" state.'
  for (const server of [first, second]) expect(await refusalsAt(server, place)).toEqual([refusal, refusal, refusal])
})

test('an agent is reached where it is connected, also after it moved to another replica', async () => {
  const place = await createAgent(first)
  const before = await connectAt(first, place)
  await statusBecomes(place, 'connected')
  const replica = await replicaOf(place)
  for (const server of [first, second]) expect(await dialAt(server, place)).toBe('hello')
  await before.close()
  await statusBecomes(place, 'disconnected')
  const refusal = 'Agent state is "disconnected", it must be in the "connected" state.'
  for (const server of [first, second]) expect(await refusalsAt(server, place)).toEqual([refusal, refusal, refusal])
  await connectAt(second, place)
  const moved = await eventually(async () => (await replicaOf(place)) ?? undefined)
  expect(moved).not.toBe(replica)
  for (const server of [first, second]) {
    expect(await dialAt(server, place)).toBe('hello')
    expect(await server.client.agents.listeningPorts({ params: { workspaceagent: place.id } })).toEqual({ ports: [] })
  }
})

test('an agent that only coordinates is refused with what to do, on every replica', async () => {
  verifies('agents:dial:reference-network')
  const place = await createAgent(first)
  const socket = openSocket(first, '/workspaceagents/me/coordinate', place.token)
  await opened(socket)
  onTestFinished(() => socket.terminate())
  await statusBecomes(place, 'connected')
  const refusal =
    'The agent of this workspace speaks only the reference\'s own network, so it cannot be reached through this server. Use the reference\'s "coder ssh" or "coder port-forward", or a template that starts Berth\'s agent.'
  for (const server of [first, second]) expect(await refusalsAt(server, place)).toEqual([refusal, refusal, refusal])
})

test('a replica whose heartbeat stopped holds no agents', async () => {
  const place = await createAgent(first)
  const seen = new Date(first.clock.now().getTime() - 60_000)
  const sql = 'update workspace_agents set first_connected_at = $2, last_connected_at = $2, connected_replica_id = $3 where id = $1'
  await runSql(first, sql, [place.id, seen, randomUUID()])
  const refusal = 'Agent state is "disconnected", it must be in the "connected" state.'
  expect(await refusalsAt(first, place)).toEqual([refusal, refusal, refusal])
})
