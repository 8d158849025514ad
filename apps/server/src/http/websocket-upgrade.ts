import { ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Failure } from '@berth/schema'
import { WebSocketServer, type WebSocket } from 'ws'
import { pathOf } from './request-target.ts'

/** Larger incoming messages close a socket with 1009 (Coder v2 API, v0.13.4). */
const MAX_MESSAGE_BYTES = 32 * 1024
const PING_INTERVAL_MS = 15_000

export interface AcceptOptions {
  /** Largest incoming message in bytes. Default 32 KiB. */
  readonly maxMessageBytes?: number
  /** Compress messages above 512 bytes. Default false. */
  readonly compress?: boolean
  /** Selected when the client offers it. Default: none is. */
  readonly protocol?: string
}

interface PendingUpgrade {
  readonly socket: Duplex
  readonly head: Buffer
  readonly response: ServerResponse
}

/**
 * Lets WebSocket requests run through the same steps as all others: until a handler accepts, the request has an ordinary response, so that a missing
 * session or permission is answered in JSON before the upgrade.
 */
export class WebSocketUpgrades {
  readonly #pending = new WeakMap<IncomingMessage, PendingUpgrade>()
  readonly #open = new Set<WebSocket>()
  readonly #handleRequest: (request: IncomingMessage, response: ServerResponse) => void
  readonly #speaks: (protocol: string, path: string) => boolean

  /** @param speaks Whether a path knows a protocol other than WebSocket. */
  constructor(
    handleRequest: (request: IncomingMessage, response: ServerResponse) => void,
    speaks: (protocol: string, path: string) => boolean = () => false,
  ) {
    this.#handleRequest = handleRequest
    this.#speaks = speaks
  }

  /** Takes over the upgrade requests of a server. */
  attach(server: Server): void {
    const unanswered = new WeakMap<Duplex, number>()
    server.on('request', ({ socket }, response) => {
      unanswered.set(socket, (unanswered.get(socket) ?? 0) + 1)
      response.on('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1))
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Its answer would have to wait for another one that Node has yet to write to the same socket. Nobody who means it sends such a thing.
      if ((unanswered.get(socket) ?? 0) > 0) return void socket.destroy()
      const protocol = request.headers.upgrade?.toLowerCase() ?? ''
      if (protocol !== 'websocket' && !this.#speaks(protocol, pathOf(request.url))) return declineUpgrade(server, { request, socket, head })
      socket.on('error', () => socket.destroy())
      const response = new ServerResponse(request)
      // A Duplex of the http module is a network socket.
      response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0])
      response.shouldKeepAlive = false
      response.on('finish', () => socket.end())
      this.#pending.set(request, { socket, head, response })
      this.#handleRequest(request, response)
    })
  }

  /**
   * Upgrades a request and hands the socket to `begin` at once, in the same tick: what the client sends in the meantime would be lost otherwise.
   *
   * Throws `upgrade_required` when the request did not ask for it, `origin_forbidden` when another site's page did.
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
        options.compress === true ? { threshold: 512, serverNoContextTakeover: true, clientNoContextTakeover: true } : false,
      handleProtocols: (offered) => (options.protocol !== undefined && offered.has(options.protocol) ? options.protocol : false),
    })
    upgrader.on('headers', (headers) => {
      for (const [name, value] of Object.entries(response.getHeaders())) headers.push(`${name}: ${String(value)}`)
    })
    response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
    return await new Promise((resolve, reject) => {
      socket.once('close', () => reject(new Error('the client left during the upgrade')))
      upgrader.handleUpgrade(request, socket, head, (webSocket) => {
        this.#track(webSocket)
        resolve(begin(webSocket))
      })
    })
  }

  /**
   * Hands out the socket of a request that asked for another protocol, with everything that came after the request still in it. The caller answers, and
   * ends it when the server stops.
   *
   * Throws `upgrade_required` when the request did not ask for it.
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

  /** Ends what has not closed by itself. */
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

/** Closes a socket with 1008 whose owner may not be heard any more: whatever still comes is ignored, also from somebody who does not answer the close. */
export function dismiss(socket: WebSocket): void {
  socket.removeAllListeners('message')
  socket.close(1008, 'the session has ended')
}

/**
 * Clients that would like HTTP/2 ask for it with any request, also with one that has a body. A server may go on as if they had not asked; Node only does so
 * where nothing listens for upgrades, so the request is read once more without the question.
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
