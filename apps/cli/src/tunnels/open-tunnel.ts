import { routes } from '@berth/schema/routes'
import type { Client } from '@berth/sdk'
import { dialTunnel, socketStream, type DialTunnel } from '@berth/tunnel'

/**
 * Opens a tunnel to an agent. Resolves once the server has answered; rejects with the server's
 * refusal, or the signal's reason.
 */
export async function openTunnel(client: Client, agent: string, signal: AbortSignal): Promise<DialTunnel> {
  const socket = client.openSocket(routes.agents.dialTunnel.path.replace(':workspaceagent', encodeURIComponent(agent)))
  let refusal: unknown
  socket.addEventListener('error', ({ error }) => {
    refusal ??= error
  })
  // In Node, the client's sockets are those of the `ws` package.
  const tunnel = dialTunnel(socketStream(socket as unknown as Parameters<typeof socketStream>[0]))
  const onAbort = (): void => tunnel.close()
  signal.addEventListener('abort', onAbort)
  try {
    await tunnel.ping()
    return tunnel
  } catch (error) {
    tunnel.close()
    signal.throwIfAborted()
    // The server's answer to the handshake says more than a closed tunnel.
    throw refusal ?? error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
