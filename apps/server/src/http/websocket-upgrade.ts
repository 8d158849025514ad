import { ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Failure } from '@berth/schema'
import { closeSocket, type CloseReason } from '@berth/tunnel'
import { WebSocketServer, type WebSocket } from 'ws'
import { pathOf } from './request-target.ts'

/** A larger incoming message closes the socket with 1009 (Coder v2 API, v0.13.4). */
const MAX_MESSAGE_BYTES = 32 * 1024
const COMPRESSION_THRESHOLD_BYTES = 512
/** A peer that answers nothing until the next ping is cut off. */
const PING_INTERVAL_MS = 15_000

export interface AcceptOptions {
  /** The largest incoming message. Default: {@link MAX_MESSAGE_BYTES}. */
  readonly maxMessageBytes?: number
  /** Compresses messages of {@link COMPRESSION_THRESHOLD_BYTES} or more. Default: false. */
  readonly compress?: boolean
  /** The subprotocol to select when the client offers it. Default: none. */
  readonly protocol?: string
}

interface PendingUpgrade {
  readonly socket: Duplex
  readonly head: Buffer
  readonly response: ServerResponse
}

/** The connection was closed before an upgrade was complete. */
export class UpgradeAborted extends Error {
  override readonly name = 'UpgradeAborted'
}

/**
 * Takes WebSocket requests through the same steps as all others. A request has an ordinary response
 * until a handler accepts the upgrade, so a missing session or permission is answered in JSON.
 */
export class WebSocketUpgrades {
  readonly #pending = new WeakMap<IncomingMessage, PendingUpgrade>()
  readonly #open = new Set<WebSocket>()
  readonly #handleRequest: (request: IncomingMessage, response: ServerResponse) => void
  readonly #speaks: (protocol: string, path: string) => boolean

  /** @param speaks Whether a path upgrades to a protocol other than WebSocket. */
  constructor(
    handleRequest: (request: IncomingMessage, response: ServerResponse) => void,
    speaks: (protocol: string, path: string) => boolean = () => false,
  ) {
    this.#handleRequest = handleRequest
    this.#speaks = speaks
  }

  /** Handles the upgrade requests of a server. */
  attach(server: Server): void {
    const unanswered = new WeakMap<Duplex, number>()
    server.on('request', ({ socket }, response) => {
      unanswered.set(socket, (unanswered.get(socket) ?? 0) + 1)
      response.on('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1))
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // The socket still has an answer to send, so this upgrade would have to wait for it. No real
      // client upgrades in the middle of a pipeline.
      if ((unanswered.get(socket) ?? 0) > 0) return void socket.destroy()
      const protocol = request.headers.upgrade?.toLowerCase() ?? ''
      if (protocol !== 'websocket' && !this.#speaks(protocol, pathOf(request.url))) return declineUpgrade(server, { request, socket, head })
      socket.on('error', () => socket.destroy())
      const response = new ServerResponse(request)
      // The sockets of node:http are network sockets.
      response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0])
      response.shouldKeepAlive = false
      response.on('finish', () => discard(socket))
      this.#pending.set(request, { socket, head, response })
      this.#handleRequest(request, response)
    })
  }

  /**
   * Upgrades a request and passes the socket to `begin` in the same tick, so that no message of the
   * client is lost.
   *
   * Throws `upgrade_required` when the request didn't ask for an upgrade, `origin_forbidden` when
   * another site's page sent it.
   */
  async accept<Begun>(request: IncomingMessage, begin: (socket: WebSocket) => Begun, options: AcceptOptions = {}): Promise<Begun> {
    const pending = this.#pending.get(request)
    if (pending === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket') throw new Failure('upgrade_required')
    refuseForeignOrigin(request)
    const { socket, head, response } = pending
    this.#pending.delete(request)
    const upgrader = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      perMessageDeflate:
        options.compress === true
          ? { threshold: COMPRESSION_THRESHOLD_BYTES, serverNoContextTakeover: true, clientNoContextTakeover: true }
          : false,
      handleProtocols: (offered) => (options.protocol !== undefined && offered.has(options.protocol) ? options.protocol : false),
    })
    upgrader.on('headers', (headers) => {
      for (const [name, value] of Object.entries(response.getHeaders())) headers.push(`${name}: ${String(value)}`)
    })
    response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
    return await new Promise((resolve, reject) => {
      // Also when the client asked for a version that the library has refused.
      socket.once('close', () => reject(new UpgradeAborted('the connection was closed during the upgrade')))
      upgrader.handleUpgrade(request, socket, head, (webSocket) => {
        this.#track(webSocket)
        resolve(begin(webSocket))
      })
    })
  }

  /**
   * Returns the socket of a request that asked for a protocol other than WebSocket, with everything
   * after the request still to be read. The caller answers, and ends the socket when the server
   * stops.
   *
   * Throws `upgrade_required` when the request didn't ask for an upgrade.
   */
  takeOver(request: IncomingMessage): Duplex {
    const pending = this.#pending.get(request)
    if (pending === undefined) throw new Failure('upgrade_required')
    const { socket, head, response } = pending
    this.#pending.delete(request)
    response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
    if (head.length > 0) socket.unshift(head)
    return socket
  }

  /** Closes every socket with 1001, "going away". */
  closeAll(): void {
    for (const socket of this.#open) socket.close(1001, 'the server is shutting down')
  }

  /** Cuts off the sockets that haven't closed. */
  terminateAll(): void {
    for (const socket of this.#open) socket.terminate()
  }

  #track(socket: WebSocket): void {
    this.#open.add(socket)
    let isAlive = true
    const timer = setInterval(() => {
      if (!isAlive) return socket.terminate()
      isAlive = false
      socket.ping()
    }, PING_INTERVAL_MS)
    socket.on('pong', () => (isAlive = true))
    socket.on('message', () => (isAlive = true))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      clearInterval(timer)
      this.#open.delete(socket)
    })
  }
}

/**
 * Ends a socket whose upgrade was refused, as node:http ends those of other requests. Nobody reads
 * what the client sends after the request, and the socket would stay open until somebody did.
 */
function discard(socket: Duplex): void {
  socket.resume()
  socket.end(() => socket.destroy())
}

/**
 * Closes a socket whose caller has lost access. Messages that still arrive are ignored, even when
 * the peer never answers the close.
 */
export function dismiss(socket: WebSocket, reason: CloseReason): void {
  socket.removeAllListeners('message')
  closeSocket(socket, reason)
}

/**
 * Answers a request that offers an upgrade to HTTP/2, which any request may do, as if it hadn't.
 * Node does so only when nothing listens for upgrades, so the request is parsed again without the
 * offer.
 */
function declineUpgrade(
  server: Server,
  asked: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): void {
  const { request, socket, head } = asked
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`]
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(index, index + 2)
    if (!/^(?:upgrade|http2-settings|connection)$/i.test(name)) lines.push(`${name}: ${value}`)
  }
  const asksToClose = (request.headers.connection ?? '').split(',').some((word) => word.trim().toLowerCase() === 'close')
  if (asksToClose) lines.push('Connection: close')
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}

function refuseForeignOrigin(request: IncomingMessage): void {
  const { origin, host = '' } = request.headers
  if (origin === undefined) return
  if (!URL.canParse(origin) || new URL(origin).host.toLowerCase() !== host.toLowerCase())
    throw new Failure('origin_forbidden', { detail: `request Origin "${origin}" is not authorized for Host "${host}"` })
}
