import {
  request as httpRequest,
  type Agent,
  type ClientRequest,
  type ClientRequestArgs,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { pipeBoth } from '@berth/tunnel'
import { headersToApp, headersToClient, isWebSocket, type Hop } from './forwarded-headers.ts'

/** A request that goes on to an app. */
export interface Forwarded {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Names the app to the agent that connects to it. */
  readonly to: ClientRequestArgs & { readonly agent: Agent }
  /** Path and query at the app. */
  readonly path: string
  readonly hop: Hop
  /** Headers that the answer gets beside the app's, as a flat list. */
  readonly added: readonly string[]
  /** Takes the client's connection over once the app has switched protocols. */
  readonly takeOver: () => Duplex
}

/** Whether a request may be sent twice: the app may have closed an idle connection meanwhile. */
function isRepeatable({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
}

/**
 * Sends a request to an app and its answer to the client. Nothing is buffered, and each side waits
 * for the other when that one is slow.
 *
 * @returns once the answer has begun.
 * @throws what kept the app from answering. The client has got nothing then.
 */
export async function forward(forwarded: Forwarded): Promise<void> {
  try {
    await attempt(forwarded)
  } catch (error) {
    if (!(error instanceof StaleConnection) || !isRepeatable(forwarded.request)) throw causeOf(error)
    await attempt(forwarded).catch((again: unknown) => {
      throw causeOf(again)
    })
  }
}

/** A connection that was kept from an earlier request broke. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection'
}

function causeOf(error: unknown): unknown {
  return error instanceof StaleConnection ? error.cause : error
}

async function attempt(forwarded: Forwarded): Promise<void> {
  const { request, response, to, path, hop } = forwarded
  const upstream = httpRequest({
    ...to,
    method: request.method ?? 'GET',
    path,
    headers: headersToApp(request, hop),
  })
  const leave = (): void => void upstream.destroy()
  response.once('close', leave)
  try {
    await new Promise<void>((resolve, reject) => {
      // An app may answer with what can't be passed on.
      const settle = (pass: () => void): void => {
        // From here on, what passes the answer on ends the request when the client leaves.
        response.off('close', leave)
        try {
          pass()
          resolve()
        } catch (error) {
          upstream.destroy()
          reject(error)
        }
      }
      upstream.on('error', (error) => reject(upstream.reusedSocket ? new StaleConnection('', { cause: error }) : error))
      upstream.once('response', (answer) => settle(() => passOn(answer, forwarded)))
      upstream.once('upgrade', (answer, socket, head) => settle(() => switchProtocols(forwarded, { answer, socket, head })))
      sendBody(request, upstream)
    })
  } finally {
    response.off('close', leave)
  }
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  // The handshake of a WebSocket has no body, and what follows it belongs to the socket.
  if (isWebSocket(request) || isRepeatable(request)) upstream.end()
  else pipeline(request, upstream, () => undefined)
}

function passOn(answer: IncomingMessage, { response, added }: Forwarded): void {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [...headersToClient(answer, { isUpgrade: false }), ...added])
  // An event stream may say nothing for a while. A short answer goes out with its headers.
  setImmediate(() => {
    if (!answer.readableDidRead && !response.writableEnded) response.flushHeaders()
  })
  answer.once('end', () => {
    if (answer.rawTrailers.length > 0) response.addTrailers(answer.trailers)
  })
  // A broken answer must not look like a complete one.
  answer.once('close', () => {
    if (!answer.complete) response.destroy()
  })
  answer.on('error', () => response.destroy())
  response.once('close', () => {
    if (!answer.complete) answer.destroy()
  })
  // Unlike a pipeline, a pipe costs no abort signal.
  answer.pipe(response)
}

function switchProtocols(
  { takeOver }: Forwarded,
  { answer, socket, head }: { readonly answer: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): void {
  const client = takeOver()
  const headers = headersToClient(answer, { isUpgrade: true })
  const lines = Array.from({ length: headers.length / 2 }, (_, index) => `${headers[2 * index]}: ${headers[2 * index + 1]}`)
  client.write(Buffer.from([`HTTP/1.1 101 ${answer.statusMessage}`, ...lines, '', ''].join('\r\n'), 'latin1'))
  if (head.length > 0) socket.unshift(head)
  void pipeBoth(client, socket)
}
