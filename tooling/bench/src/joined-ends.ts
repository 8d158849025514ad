import { createHash } from 'node:crypto'
import {
  answerTunnel,
  dialTunnel,
  socketStream,
  tunnelSocketOptions,
  type DialTunnel,
  type TunnelRequest,
  type TunnelStream,
} from '@berth/tunnel'
import { WebSocket } from 'ws'
import { agentToken } from './seed.ts'
import type { Measured } from './with-server.ts'

/** Writes to a stream as fast as it takes bytes, up to a number of them. */
export function flood(stream: TunnelStream, bytes = Number.POSITIVE_INFINITY): void {
  const chunk = Buffer.alloc(64 * 1024)
  let left = bytes
  const write = (): void => {
    while (left > 0) {
      left -= chunk.length
      if (!stream.write(chunk)) return void stream.once('drain', write)
    }
    stream.end()
  }
  write()
}

/** An agent and a client that is connected to it. */
interface JoinedEnds {
  readonly client: DialTunnel
  /** Connects the same client to another server. */
  readonly clientAt: (url: string) => Promise<DialTunnel>
  readonly close: () => void
}

/** Connects the agent of a seeded workspace and a client of its owner. */
export async function joinedEnds(
  { server, database, login }: Measured,
  workspace: number,
  answer: (request: TunnelRequest) => void,
): Promise<JoinedEnds> {
  const agent = await connect(server.url, '/workspaceagents/me/tunnel', agentToken(workspace))
  answerTunnel(agent.stream, answer)
  await agent.opened
  const { rows } = await database.query<{ id: string }>('select id from workspace_agents where hashed_auth_token = $1', [
    createHash('sha256').update(agentToken(workspace)).digest(),
  ])
  const token = await login(`seed-${Math.ceil(workspace / 100)}@example.com`)
  const clientAt = async (url: string): Promise<DialTunnel> => {
    const caller = await connect(url, `/workspaceagents/${rows[0]?.id ?? ''}/tunnel`, token)
    const client = dialTunnel(caller.stream)
    await caller.opened
    return client
  }
  const client = await clientAt(server.url)
  const close = (): void => {
    client.close()
    agent.stream.destroy()
  }
  return { client, clientAt, close }
}

async function connect(url: string, path: string, token: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v2${path}`, {
    ...tunnelSocketOptions,
    headers: { 'Coder-Session-Token': token },
  })
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.on('error', reject)
  })
  return { stream: socketStream(socket), opened }
}
