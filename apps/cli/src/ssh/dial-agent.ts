import type { Duplex } from 'node:stream'
import { routes } from '@berth/schema/routes'
import type { Client } from '@berth/sdk'
import { dialTunnel, formatAgentTarget, socketStream } from '@berth/tunnel'

/** A connection to an agent's SSH server. */
export interface AgentConnection {
  readonly stream: Duplex
  /** Closes the stream and its tunnel. */
  close(): void
}

/** Opens a tunnel to an agent, and connects to its SSH server. */
export async function dialAgent(client: Client, agent: string, signal: AbortSignal): Promise<AgentConnection> {
  const socket = client.openSocket(routes.agents.dialTunnel.path.replace(':workspaceagent', encodeURIComponent(agent)))
  let refusal: unknown
  socket.addEventListener('error', ({ error }) => {
    refusal ??= error
  })
  // In Node, the client's sockets are those of the `ws` package.
  const tunnel = dialTunnel(socketStream(socket as unknown as Parameters<typeof socketStream>[0]))
  try {
    const stream = await tunnel.dial(formatAgentTarget({ kind: 'ssh' }), { signal })
    return {
      stream,
      close: () => {
        stream.destroy()
        tunnel.close()
      },
    }
  } catch (error) {
    tunnel.close()
    // The server's answer to the handshake says more than a closed tunnel.
    throw refusal ?? error
  }
}
