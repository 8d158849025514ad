import { pipeBoth, type DialTunnel } from '@berth/tunnel'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/**
 * Opens a loopback port whose connections reach a target in the workspace, for programs that can't
 * use tunnels.
 */
export async function relayToTarget(tunnel: () => Promise<DialTunnel>, target: string): Promise<{ port: number; close: () => void }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    void tunnel()
      .then((current) => current.dial(target))
      .then((stream) => pipeBoth(socket, stream))
      .catch(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
