import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { answerTunnel, dialTunnel, socketStream, tunnelSocketOptions, type DialTunnel, type TunnelRequest } from '@berth/tunnel'
import type { EchoAgentInput, EchoResourceInput } from '@berth/provisioner/testing'
import type { Workspace, WorkspaceAgent } from '@berth/schema'
import type { Client } from '@berth/sdk'
import { WebSocket } from 'ws'
import { eventually } from './eventually.ts'
import { buildEnded, createTemplate, createWorkspace } from './factories.ts'
import type { TestServer } from './start-test-server.ts'

/** An agent of a workspace, whether or not anything answers for it. */
export interface AgentPlace {
  readonly workspace: Workspace
  readonly id: string
  readonly token: string
  /** Calls the server as the agent. */
  readonly client: Client
  /** Returns what people see of it. */
  readonly view: () => Promise<WorkspaceAgent>
}

/** Creates a running workspace with one agent. */
export async function createAgent(
  server: TestServer,
  agent: EchoAgentInput = {},
  { resource = {}, ...fields }: { readonly resource?: EchoResourceInput; readonly ttl_ms?: number } = {},
): Promise<AgentPlace> {
  const token = randomUUID()
  const resources = [{ name: 'box', type: 'machine', ...resource, agents: [{ name: 'main', token, ...agent }] }]
  const template = await createTemplate(server, { apply: [{ complete: { resources } }] })
  const workspace = await createWorkspace(server, template, fields)
  const { resources: built } = await buildEnded(server.client, workspace.latest_build.id)
  const id = built[0]?.agents?.[0]?.id ?? ''
  return {
    workspace,
    id,
    token,
    client: server.clientFor(token),
    view: async () => await server.client.agents.get({ params: { workspaceagent: id } }),
  }
}

/** Waits until an agent has a status. */
export async function statusBecomes({ view }: AgentPlace, status: WorkspaceAgent['status']): Promise<WorkspaceAgent> {
  return await eventually(async () => {
    const agent = await view()
    return agent.status === status ? agent : undefined
  })
}

/** How a socket ended. */
export interface SocketEnd {
  readonly code: number
  readonly reason: string
}

/** The answering end of a tunnel, without an agent behind it. */
export interface FakeAgent {
  readonly socket: WebSocket
  readonly closed: Promise<SocketEnd>
  close(): Promise<void>
}

type At = { readonly url: string }

/** Opens the tunnel of the agent with `token`. Rejects with the status and body of a refusal. */
export async function connectAgent(
  server: At,
  token: string,
  answer: (request: TunnelRequest) => void | Promise<void> = ({ accept }) => void accept().end(),
): Promise<FakeAgent> {
  const socket = openSocket(server, '/workspaceagents/me/tunnel', token)
  answerTunnel(socketStream(socket), answer)
  const closed = endOf(socket)
  await opened(socket)
  return {
    socket,
    closed,
    async close() {
      socket.close(1000)
      await closed
    },
  }
}

/** Opens a client's tunnel to an agent. */
export async function connectClient(
  server: At,
  { agentId, token }: { readonly agentId: string; readonly token: string },
): Promise<DialTunnel & { readonly socket: WebSocket }> {
  const socket = openSocket(server, `/workspaceagents/${agentId}/tunnel`, token)
  const tunnel = dialTunnel(socketStream(socket))
  await opened(socket)
  return { ...tunnel, socket }
}

/** Opens a WebSocket to a path below `/api/v2`. */
export function openSocket({ url }: At, path: string, token: string): WebSocket {
  return new WebSocket(`${url.replace('http', 'ws')}/api/v2${path}`, { ...tunnelSocketOptions, headers: { 'Coder-Session-Token': token } })
}

export async function endOf(socket: WebSocket): Promise<SocketEnd> {
  return await new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }))
  })
}

/** Resolves when a socket is open. Rejects with the server's answer if it refuses. */
export async function opened(socket: WebSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.on('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      void (async () => {
        let body = ''
        response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')))
        await once(response, 'end')
        reject(new Error(`${response.statusCode}: ${body.trim()}`))
        socket.terminate()
      })()
    })
  })
}
