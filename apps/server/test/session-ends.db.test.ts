import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { WebSocket } from 'ws'
import { build, buildEnded, createMember, createTemplate, createWorkspace, uniqueName, type Member } from './factories.ts'
import { connectAgent, endOf, openSocket, opened, statusBecomes } from './fake-agent.ts'
import { startAnotherServer, type AnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { openWatch, type Watch } from './watch-events.ts'

const PASSWORD = 'testpass'
const BINARY = 2
const CLOSE = 8
const ENDED = { code: 1008, reason: 'the session has ended' }

let server: TestServer
let replica: AnotherServer
beforeAll(async () => {
  server = await startTestServer()
  replica = await startAnotherServer(server)
})
afterAll(async () => {
  await replica.stop()
  await server.stop()
})

interface Place {
  readonly member: Member
  readonly workspace: Workspace
  readonly agentId: string
  /** What reached the agent, one for each terminal. */
  readonly streams: { received: string; isClosed: boolean }[]
}

/** A member with a running workspace whose agent answers at the first server. */
async function settle(): Promise<Place> {
  const member = await createMember(server)
  const token = randomUUID()
  const template = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'box', type: 'machine', agents: [{ name: 'main', token }] }] } }],
  })
  const workspace = await createWorkspace(server, template, { client: member.client })
  const { resources } = await buildEnded(member.client, workspace.latest_build.id)
  const agentId = resources[0]?.agents?.[0]?.id ?? ''
  const streams: Place['streams'] = []
  const agent = await connectAgent(server, token, ({ accept }) => {
    const stream = accept()
    const seen = { received: '', isClosed: false }
    streams.push(seen)
    stream.on('data', (chunk: Buffer) => (seen.received += chunk.toString('utf8')))
    stream.on('close', () => (seen.isClosed = true))
    stream.pipe(stream)
  })
  onTestFinished(async () => await agent.close())
  const view = async () => await server.client.agents.get({ params: { workspaceagent: agentId } })
  await statusBecomes({ workspace, id: agentId, token, client: server.clientFor(token), view }, 'connected')
  return { member, workspace, agentId, streams }
}

async function socketAt(at: { readonly url: string }, path: string, token: string): Promise<WebSocket> {
  const socket = openSocket(at, path, token)
  await opened(socket)
  onTestFinished(() => socket.terminate())
  return socket
}

async function watchAt(at: { readonly url: string }, workspace: Workspace, token: string): Promise<Watch> {
  const watch = await openWatch({ ...server, url: at.url }, workspace.id, token)
  onTestFinished(watch.close)
  return watch
}

async function endOfStream(response: IncomingMessage): Promise<'ended'> {
  return await new Promise((resolve) => response.once('end', () => resolve('ended')))
}

/** Everything that somebody may have open in a session, at both servers. */
async function openAll({ workspace, agentId }: Place, token: string) {
  const terminal = await socketAt(server, `/workspaceagents/${agentId}/pty?reconnect=${randomUUID()}`, token)
  const sockets = [
    terminal,
    await socketAt(server, `/workspaceagents/${agentId}/tunnel`, token),
    await socketAt(replica, `/workspaceagents/${agentId}/tunnel`, token),
    await socketAt(replica, `/workspaceagents/${agentId}/coordinate`, token),
  ]
  const watches = [await watchAt(server, workspace, token), await watchAt(replica, workspace, token)]
  return {
    sockets,
    watches,
    terminalEnds: endOf(terminal),
    ends: Promise.all([...sockets.map(endOf), ...watches.map(async ({ response }) => await endOfStream(response))]),
  }
}

/** Holds that everything of a session is still there, by using it. */
async function stays({ sockets, watches }: Awaited<ReturnType<typeof openAll>>, { workspace }: Place): Promise<void> {
  for (const socket of sockets) {
    const answered = once(socket, 'pong')
    socket.ping()
    await answered
  }
  const name = uniqueName('renamed')
  await server.client.workspaces.update({ params: { workspace: workspace.id }, body: { name } })
  for (const watch of watches) await watch.next((seen) => seen.name === name)
}

async function signIn({ username }: Member): Promise<string> {
  const { session_token } = await server.clientFor().sessions.login({ body: { email: `${username}@example.com`, password: PASSWORD } })
  return session_token
}

test.each<[title: string, (member: Member) => Promise<unknown>]>([
  ['signs out', async ({ client }) => await client.sessions.logout()],
  [
    'loses the key',
    async ({ id, token }) => await server.client.sessions.deleteKey({ params: { user: id, keyid: token.split('-')[0] ?? '' } }),
  ],
])('who %s loses every terminal, tunnel and watch of that session on every server, and none of another', async (_, end) => {
  verifies('berth:sessions:end-connections')
  const place = await settle()
  const other = await openAll(place, await signIn(place.member))
  const { ends } = await openAll(place, place.member.token)
  await end(place.member)
  expect(await ends).toEqual([ENDED, ENDED, ENDED, ENDED, 'ended', 'ended'])
  await stays(other, place)
})

test.each<[title: string, (member: Member) => Promise<unknown>, agent: 'ends' | 'stays']>([
  ['is suspended', async ({ id }) => await server.client.users.suspend({ params: { user: id } }), 'ends'],
  [
    'gets another password',
    async ({ id }) => await server.client.users.updatePassword({ params: { user: id }, body: { password: 'another-pass' } }),
    'stays',
  ],
])('who %s loses what is open in all sessions on every server, and others nothing', async (_, end, agent) => {
  verifies('berth:sessions:end-connections')
  const place = await settle()
  const owner = await openAll(place, server.firstUser.token)
  const [first, second] = [await openAll(place, place.member.token), await openAll(place, await signIn(place.member))]
  await end(place.member)
  for (const { ends } of [first, second]) expect(await ends).toEqual([ENDED, ENDED, ENDED, ENDED, 'ended', 'ended'])
  // A suspended user's agents are disconnected, and so are all terminals in them.
  const [, ...tunnels] = owner.sockets
  if (agent === 'ends') await owner.terminalEnds
  await stays({ ...owner, sockets: agent === 'ends' ? tunnels : owner.sockets }, place)
})

test('who is deleted watches no longer', async () => {
  verifies('berth:sessions:end-connections')
  const { member, workspace } = await settle()
  const watches = [await watchAt(server, workspace, member.token), await watchAt(replica, workspace, member.token)]
  const ends = Promise.all(watches.map(async ({ response }) => await endOfStream(response)))
  await build(server.client, workspace.id, 'delete')
  for (const watch of watches) await watch.next(({ latest_build }) => latest_build.status === 'deleted')
  await server.client.users.delete({ params: { user: member.id } })
  await ends
})

/** A frame of a WebSocket client, masked with zeros. */
function clientFrame(opcode: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

test('who is sent away types nothing into a terminal any more, even without answering the close', async () => {
  verifies('berth:sessions:end-connections')
  const { member, agentId, streams } = await settle()
  const { token } = member
  const asked = get(`${server.url}/api/v2/workspaceagents/${agentId}/pty?reconnect=${randomUUID()}`, {
    headers: {
      'Coder-Session-Token': token,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  const [, socket] = (await once(asked, 'upgrade')) as [unknown, Socket]
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  socket.write(clientFrame(BINARY, JSON.stringify({ data: 'before' })))
  await expect.poll(() => streams[0]?.received).toContain('before')
  await member.client.sessions.logout()
  await expect.poll(() => received).toContain('the session has ended')
  socket.write(clientFrame(BINARY, JSON.stringify({ data: 'after' })))
  // The answer comes after all that was sent before it.
  socket.write(clientFrame(CLOSE, '\u0003\u0070'))
  await expect.poll(() => streams[0]?.isClosed).toBe(true)
  expect(streams[0]?.received).not.toContain('after')
})
