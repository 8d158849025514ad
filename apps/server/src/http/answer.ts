import type { ServerResponse } from 'node:http'
import type { EndpointSpec } from '@berth/schema'
import { writeJson } from './json-writer.ts'

interface AnswerOptions {
  /** Default: the endpoint's status. */
  readonly status?: number
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[]
  /** The type of a body of bytes. Default: `application/json`. */
  readonly contentType?: string
  /** Redirects the client there; the body is then not sent. */
  readonly location?: string
}

/**
 * What a handler returns when it decides more than the body: status, cookies, type or a redirect.
 */
export class Answer {
  readonly status: number | undefined
  readonly body: unknown
  readonly cookies: readonly string[]
  readonly contentType: string | undefined
  readonly location: string | undefined

  constructor(body: unknown, options: AnswerOptions = {}) {
    this.body = body
    this.status = options.status
    this.cookies = options.cookies ?? []
    this.contentType = options.contentType
    this.location = options.location
  }
}

/**
 * Sends what a handler returned, unless the handler has answered by itself with a stream or a
 * WebSocket.
 */
export function sendAnswer(spec: EndpointSpec, result: unknown, response: ServerResponse): void {
  if (response.headersSent || spec.delivery === 'websocket' || (result === undefined && spec.response !== undefined)) return
  const answer = result instanceof Answer ? result : new Answer(result)
  if (answer.cookies.length > 0) response.appendHeader('Set-Cookie', [...answer.cookies])
  response.statusCode = answer.status ?? spec.status
  if (answer.location !== undefined) {
    response.setHeader('Location', answer.location)
    response.end()
    return
  }
  if (response.statusCode === 204 || response.statusCode === 304) {
    // The API sends the type even without a body (Coder v2 API, v0.13.4, "JSON writing").
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    response.end()
    return
  }
  const { contentType, payload } = payloadOf(answer.body)
  response.setHeader('Content-Type', answer.contentType ?? contentType)
  response.end(payload)
}

function payloadOf(body: unknown): { contentType: string; payload: string | Uint8Array } {
  if (body instanceof Uint8Array) return { contentType: 'application/json', payload: body }
  return { contentType: 'application/json; charset=utf-8', payload: writeJson(body) }
}
