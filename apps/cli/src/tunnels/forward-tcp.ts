import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { pipeBoth } from '@berth/tunnel'
import { messageOf } from '../failures.ts'
import { listenError, withoutRepeats, type ForwardOptions, type Listening } from './listening.ts'
import { addressOf, type Forward } from './port-specs.ts'

/** How many connections one forward has at once. Others are reset. */
export const maxConnections = 250

/** Listens on a local TCP port, and continues each connection in the workspace. */
export async function forwardTcp(forward: Forward, { dial, note }: ForwardOptions): Promise<Listening> {
  const ended = new AbortController()
  const sockets = new Set<Socket>()
  const complain = withoutRepeats(note)
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    void connect(socket)
  })
  server.maxConnections = maxConnections
  server.on('drop', () => complain(`${address} has ${maxConnections} connections, which is the limit. Others are reset.`))

  async function connect(socket: Socket): Promise<void> {
    try {
      const stream = await dial({ kind: 'port', port: forward.remotePort }, ended.signal)
      await pipeBoth(socket, stream)
    } catch (error) {
      if (!ended.signal.aborted) complain(`A connection to ${address} failed: ${messageOf(error)}`)
      socket.resetAndDestroy()
    }
  }

  server.listen(forward.localPort, forward.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, forward)
  }
  const address = addressOf({ host: forward.host, localPort: (server.address() as AddressInfo).port })
  // Too many open files, for example: the port goes on listening.
  server.on('error', (error) => complain(`${address} has trouble: ${error.message}`))
  return {
    address,
    close() {
      ended.abort()
      server.close()
      // A reset, so that nobody takes what has arrived so far for all of it.
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}
