import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { reasonOf, type Logger } from '../logger.ts'
import { AgentSocket } from './agent-socket.ts'
import { serveIncoming, serveOutgoing } from './forwarding.ts'
import { newHostKey } from './host-key.ts'
import { serveSession, type SessionContext } from './session.ts'

const maxSessions = 128

/**
 * The SSH server of the workspace. It doesn't listen: each connection is a stream of the tunnel,
 * and whoever reaches the tunnel is let in.
 */
export class SshServer {
  readonly #server: ssh2.Server
  readonly #context: SessionContext
  readonly #logger: Logger

  constructor(context: SessionContext, logger: Logger) {
    this.#context = context
    this.#logger = logger
    this.#server = new ssh2.Server({ hostKeys: [newHostKey()], ident: 'Berth' }, (connection) => this.#serve(connection))
    this.#server.on('error', (error: Error) => logger.warn('The SSH server had an error', { reason: reasonOf(error) }))
  }

  connect(stream: Duplex): void {
    // ssh2 declares a socket and uses only what every duplex has.
    this.#server.injectSocket(stream as Socket)
  }

  #serve(connection: ssh2.Connection): void {
    const open = new Set<ssh2.Session>()
    const agentSocket = new AgentSocket(connection)
    connection.on('error', (error) => this.#logger.info('An SSH connection broke', { reason: reasonOf(error) }))
    // The tunnel authenticates: the server only connects people who may open a shell here.
    connection.on('authentication', (request) => request.accept())
    connection.on('session', (accept, reject) => {
      if (open.size >= maxSessions) {
        reject()
        return
      }
      const session = accept()
      open.add(session)
      session.on('close', () => open.delete(session))
      serveSession(session, this.#context, agentSocket)
    })
    // A broken connection ends its sessions, even when nobody reads their channels to the end.
    connection.once('close', () => {
      for (const session of open) session.emit('close')
    })
    connection.setMaxListeners(0)
    serveOutgoing(connection)
    serveIncoming(connection)
  }
}
