import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Connection, ServerChannel } from 'ssh2'

/** Joins a channel and a socket both ways. Each direction ends on its own. */
export function joinChannel(channel: ServerChannel, socket: Socket): void {
  let channelDone = false
  let socketDone = false
  const finish = (): void => {
    if (channelDone && socketDone) channel.end()
  }
  socket.on('data', (bytes) => {
    if (!channel.write(bytes)) socket.pause()
  })
  channel.on('drain', () => socket.resume())
  socket.once('end', () => {
    // ssh2 closes the whole channel on end(). An empty chunk waits for the earlier ones, and then
    // only this direction ends.
    channel.write(Buffer.alloc(0), () => {
      socketDone = true
      ;(channel as ServerChannel & { eof: () => void }).eof()
      finish()
    })
  })
  channel.on('data', (bytes: Buffer) => {
    if (!socket.write(bytes)) channel.pause()
  })
  socket.on('drain', () => channel.resume())
  channel.once('end', () => {
    channelDone = true
    socket.end()
    finish()
  })
  channel.once('close', () => socket.destroy())
  socket.on('error', () => channel.end())
  socket.once('close', (hadError) => {
    if (hadError || !socketDone) channel.end()
  })
}

/**
 * Serves local forwarding (`ssh -L`, `-D`, `-W`): the client says where in or around the workspace
 * to connect to.
 */
export function serveOutgoing(connection: Connection): void {
  connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
    connectFirst(connect({ host: destIP, port: destPort, allowHalfOpen: true }), accept, reject)
  })
  connection.on('openssh.streamlocal', (accept, reject, { socketPath }) => {
    connectFirst(connect({ path: socketPath, allowHalfOpen: true }), accept, reject)
  })
}

function connectFirst(socket: Socket, accept: () => ServerChannel, reject: () => void): void {
  const refuse = (): void => reject()
  socket.once('error', refuse)
  socket.once('connect', () => {
    socket.removeListener('error', refuse)
    const channel = accept() as ServerChannel | undefined
    if (channel) joinChannel(channel, socket)
    else socket.destroy()
  })
}

const maxListeners = 100

type Accept = ((chosenPort?: number) => void) | undefined
type Reject = (() => void) | undefined
/** The two kinds of remote forwarding; the name of the request says which. */
type BindInfo = { bindAddr: string; bindPort: number } | { socketPath: string }

/**
 * Serves remote forwarding (`ssh -R`): the workspace listens on the loopback interface or a UNIX
 * socket, never on other interfaces, and passes each connection to the client.
 */
export function serveIncoming(connection: Connection): void {
  const listeners = new Map<string, Server>()
  connection.on('request', (accept: Accept, reject: Reject, name: string, info: BindInfo) => {
    const key = 'socketPath' in info ? info.socketPath : `${info.bindAddr}:${info.bindPort}`
    if (name.startsWith('cancel-')) {
      const listener = listeners.get(key)
      listeners.delete(key)
      listener?.close()
      if (listener) accept?.()
      else reject?.()
    } else if (listeners.has(key) || listeners.size >= maxListeners) {
      reject?.()
    } else {
      listen({ connection, info, listeners, accept, reject })
    }
  })
  connection.once('close', () => {
    for (const listener of listeners.values()) listener.close()
    listeners.clear()
  })
}

interface Listening {
  connection: Connection
  info: BindInfo
  listeners: Map<string, Server>
  accept: Accept
  reject: Reject
}

function listen({ connection, info, listeners, accept, reject }: Listening): void {
  let port = 0
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    const onChannel = (error: Error | undefined, channel: ServerChannel): void => {
      if (error || socket.destroyed) {
        socket.destroy()
        if (!error) channel.end()
        return
      }
      joinChannel(channel, socket)
      socket.resume()
    }
    if ('socketPath' in info) connection.openssh_forwardOutStreamLocal(info.socketPath, onChannel)
    else connection.forwardOut(info.bindAddr, port, socket.remoteAddress ?? '127.0.0.1', socket.remotePort ?? 0, onChannel)
  })
  server.once('error', () => reject?.())
  connection.once('close', () => {
    for (const socket of sockets) socket.destroy()
  })
  const onListening = (): void => {
    const address = server.address()
    port = typeof address === 'object' && address ? address.port : 0
    // The client cancels by the port that was chosen, not by the zero it asked for.
    listeners.set('socketPath' in info ? info.socketPath : `${info.bindAddr}:${port}`, server)
    accept?.(port)
  }
  if ('socketPath' in info) server.listen(info.socketPath, onListening)
  else server.listen({ host: info.bindAddr === '::1' ? '::1' : '127.0.0.1', port: info.bindPort }, onListening)
}
