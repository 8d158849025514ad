import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { text as readText } from 'node:stream/consumers'

/** What a request consists of beyond method and path. */
export interface RawRequest {
  /** Goes into the session header. */
  readonly token?: string
  readonly headers?: OutgoingHttpHeaders
  /** A value is sent as JSON, text and bytes as they are. */
  readonly body?: unknown
}

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body read as JSON; undefined when it is none. */
  readonly json: unknown
}

/**
 * Sends a request with the path exactly as given, which fetch would normalize. The path is below
 * `/api/v2` unless it begins with two slashes. Leaves an event stream as soon as it has begun.
 */
export async function rawRequest(url: string, line: string, { token, headers = {}, body }: RawRequest = {}): Promise<RawAnswer> {
  const space = line.indexOf(' ')
  const { hostname, port } = new URL(url)
  const target = line.slice(space + 1)
  return await new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        method: line.slice(0, space),
        path: target.startsWith('//') ? target.slice(1) : `/api/v2${target}`,
        headers: { ...(token !== undefined && { 'Coder-Session-Token': token }), ...headers },
        agent: false,
      },
      (response) => {
        if (response.headers['content-type'] === 'text/event-stream') {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '', json: undefined })
          response.destroy()
          return
        }
        readText(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) }),
          reject,
        )
      },
    )
    request.on('error', reject)
    // A handshake that is accepted has no answer.
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: 101, headers: response.headers, text: '', json: undefined })
    })
    const bytes = bytesOf(body)
    if (bytes !== undefined && !request.hasHeader('Content-Length') && !request.hasHeader('Transfer-Encoding'))
      request.setHeader('Content-Length', bytes.length)
    request.end(bytes)
  })
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined
  return Buffer.from(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
