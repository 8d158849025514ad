import { writeJson } from './json-writer.ts'

/** What a handler returns when the plain value of its endpoint's response does not say enough. */
export class Answer {
  readonly status: number | undefined
  readonly body: unknown
  readonly cookies: readonly string[]
  readonly contentType: string | undefined
  readonly location: string | undefined

  /**
   * @param options.status Default: the endpoint's.
   * @param options.cookies Values of `Set-Cookie`.
   * @param options.contentType For bytes. Default: `application/json`.
   * @param options.location Where the client is sent instead of being given a body.
   */
  constructor(body: unknown, options: { status?: number; cookies?: readonly string[]; contentType?: string; location?: string } = {}) {
    this.body = body
    this.status = options.status
    this.cookies = options.cookies ?? []
    this.contentType = options.contentType
    this.location = options.location
  }
}

/** The payload of an answer and the type it is sent as. */
export function payloadOf(body: unknown): { contentType: string; payload: string | Uint8Array } {
  if (body instanceof Uint8Array) return { contentType: 'application/json', payload: body }
  return { contentType: 'application/json; charset=utf-8', payload: writeJson(body) }
}
