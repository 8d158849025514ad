import type { Duplex } from 'node:stream'
import type { Client } from '@berth/sdk'
import { dialTunnel, socketStream } from '@berth/tunnel'

/** A connection to the SSH server of an agent. */
export interface AgentConnection {
  readonly stream: Duplex
  /** Closes the stream and the tunnel that it runs in. */
  close(): void
}

/** Opens a tunnel to an agent and dials its SSH server. */
export async function dialAgent(client: Client, agent: string, signal: AbortSignal): Promise<AgentConnection> {
  const socket = client.openSocket(`/workspaceagents/${agent}/tunnel`)
  let refusal: unknown
  socket.addEventListener('error', ({ error }) => {
    refusal ??= error
  })
  // In Node, where this program runs, the client's sockets are those of the `ws` package.
  const tunnel = dialTunnel(socketStream(socket as unknown as Parameters<typeof socketStream>[0]))
  try {
    const stream = await tunnel.dial('ssh', { signal })
    return {
      stream,
      close: () => {
        stream.destroy()
        tunnel.close()
      },
    }
  } catch (error) {
    tunnel.close()
    // What the server answered to the handshake says more than that the tunnel is closed.
    throw refusal ?? error
  }
}
