import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection, ServerChannel } from 'ssh2'
import { joinChannel } from './forwarding.ts'

/** Programs of one SSH connection that may use the client's agent at the same time. */
const maxUsers = 64

/** The longest path of a UNIX socket on every system, in bytes. */
const maxSocketPathBytes = 103

/** The window and packet size with which ssh2 opens its other channels, in bytes. */
const windowBytes = 2 * 1024 * 1024
const packetBytes = 32 * 1024

/**
 * What ssh2 opens channels with, and its types leave out: it has no method of its own for a channel
 * to the client's SSH agent.
 */
interface ChannelOpener {
  readonly _chanMgr: { add(onChannel: (error: Error | undefined, channel: ServerChannel) => void): number }
  readonly _protocol: { openssh_authAgent(channel: number, windowBytes: number, packetBytes: number): void }
}

/** The socket at which programs of one SSH connection reach the client's SSH agent. */
export class AgentSocket {
  readonly #connection: Connection
  #listening: { readonly path: string; readonly server: Server } | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Returns the path of the socket, which only the workspace's user can reach. It is there until
   * the connection closes.
   *
   * Synchronous, because a client doesn't wait for the answer before it starts a command.
   */
  open(): string {
    if (this.#listening !== undefined) return this.#listening.path
    const folder = makeFolder()
    const path = join(folder, 'agent')
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy())
      this.#openChannel().then(
        (channel) => {
          if (socket.destroyed) return channel.end()
          joinChannel(channel, socket)
          return socket.resume()
        },
        () => socket.destroy(),
      )
    })
    server.maxConnections = maxUsers
    server.on('error', () => undefined)
    server.listen(path)
    this.#listening = { path, server }
    this.#connection.once('close', () => {
      server.close()
      rmSync(folder, { recursive: true, force: true })
    })
    return path
  }

  #openChannel(): Promise<ServerChannel> {
    // The version of ssh2 is pinned, and a test opens such a channel.
    const { _chanMgr: channels, _protocol: protocol } = this.#connection as unknown as ChannelOpener
    return new Promise((resolve, reject) => {
      const onChannel = (error: Error | undefined, channel: ServerChannel): void => (error ? reject(error) : resolve(channel))
      const id = channels.add(Object.assign(onChannel, { type: 'auth-agent@openssh.com' }))
      if (id === -1) reject(new Error('No channel is free.'))
      else protocol.openssh_authAgent(id, windowBytes, packetBytes)
    })
  }
}

function makeFolder(): string {
  const prefix = join(tmpdir(), 'berth-ssh-')
  const fits = Buffer.byteLength(`${prefix}XXXXXX/agent`) <= maxSocketPathBytes
  return mkdtempSync(fits ? prefix : '/tmp/berth-ssh-')
}
