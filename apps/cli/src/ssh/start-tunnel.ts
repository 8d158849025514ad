import { routes } from '@berth/schema/routes'
import type { Client } from '@berth/sdk'
import { dialTunnel, socketStream, type DialTunnel } from '@berth/tunnel'

/** A tunnel that may not be open yet. */
export interface StartedTunnel {
  readonly tunnel: DialTunnel
  /**
   * Returns what to report for an error of the tunnel: the server's answer to the handshake says
   * more than a closed tunnel.
   */
  readonly explain: (error: unknown) => unknown
}

/** Starts to open a tunnel to an agent. */
export function startTunnel(client: Client, agent: string): StartedTunnel {
  const socket = client.openSocket(routes.agents.dialTunnel.path.replace(':workspaceagent', encodeURIComponent(agent)))
  let refusal: unknown
  socket.addEventListener('error', ({ error }) => {
    refusal ??= error
  })
  // In Node, the client's sockets are those of the `ws` package.
  const tunnel = dialTunnel(socketStream(socket as unknown as Parameters<typeof socketStream>[0]))
  return { tunnel, explain: (error) => refusal ?? error }
}
