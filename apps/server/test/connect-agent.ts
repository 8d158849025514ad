import { once } from 'node:events'
import { TunnelRefusal, answerTunnel, socketStream, tunnelSocketOptions } from '@berth/tunnel'
import { WebSocket } from 'ws'
import type { TestServer } from './start-test-server.ts'

/** Connects as an agent that refuses every dial. Resolves when the socket is open. */
export async function connectAgent(server: TestServer, token: string): Promise<() => void> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/workspaceagents/me/tunnel`, {
    ...tunnelSocketOptions,
    headers: { 'Coder-Session-Token': token },
  })
  const tunnel = answerTunnel(socketStream(socket), () => {
    throw new TunnelRefusal(404, 'Nothing is here.')
  })
  await once(socket, 'open')
  return () => {
    tunnel.close('the agent leaves')
    socket.close()
  }
}
