import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { WebSocket, createWebSocketStream } from 'ws'
import type { ForwardOptions, ForwardedPort } from './forwarded-port.ts'

/** A tunnel to an agent: where it is, and the credentials for it. */
export interface TunnelPlace {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What one connection may have in flight, in bytes. */
const windowBytes = 1024 * 1024
const maxMessageBytes = 4 * 1024 * 1024

/**
 * Listens on a port of this machine, and joins each connection with one to a port in the workspace,
 * through one tunnel: HTTP/2 inside a WebSocket, a request for each connection. The tunnel opens
 * with the first connection, and again when it has closed.
 */
export async function forwardPort(place: TunnelPlace, port: number, options: ForwardOptions = {}): Promise<ForwardedPort> {
  const { host = '127.0.0.1', localPort = 0 } = options
  const sockets = new Set<Socket>()
  let tunnel: ClientHttp2Session | undefined
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    if (tunnel === undefined || tunnel.destroyed || tunnel.closed) tunnel = openTunnel(place)
    join(socket, tunnel, port)
  })
  server.listen(localPort, host)
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    tunnel?.destroy()
    await closed
  }
  // A server that listens has an address of this kind.
  return { host, port: (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close }
}

function openTunnel({ url, headers }: TunnelPlace): ClientHttp2Session {
  const socket = new WebSocket(url, {
    headers: { ...headers },
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    followRedirects: false,
  })
  const bytes = createWebSocketStream(socket)
  const session = connect('http://tunnel', { createConnection: () => bytes, settings: { initialWindowSize: windowBytes } })
  // Each connection is cut when its tunnel breaks.
  bytes.on('error', () => session.destroy())
  session.on('error', () => undefined)
  session.once('close', () => socket.terminate())
  return session
}

function join(socket: Socket, tunnel: ClientHttp2Session, port: number): void {
  const stream: ClientHttp2Stream = tunnel.request(
    { [constants.HTTP2_HEADER_METHOD]: 'POST', [constants.HTTP2_HEADER_PATH]: `/ports/${port}` },
    { endStream: false },
  )
  stream.on('error', () => socket.resetAndDestroy())
  stream.once('response', ({ ':status': status }) => {
    if (status !== constants.HTTP_STATUS_OK) return void socket.resetAndDestroy()
    // Not pipeline, which ends a socket whose other side broke as if it had ended.
    socket.pipe(stream)
    stream.pipe(socket)
    return undefined
  })
  stream.once('close', () => {
    if (!stream.readableEnded) return void socket.resetAndDestroy()
    // The far end reads nothing more, and only a socket that is read sees its own end.
    socket.unpipe(stream)
    socket.resume()
    return undefined
  })
  socket.once('close', () => {
    if (!socket.readableEnded || !stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL)
  })
}
