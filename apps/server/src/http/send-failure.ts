import type { ServerResponse } from 'node:http'
import type { Failure, Response } from '@berth/schema'
import { writeJson } from './json-writer.ts'

/** Returns a failure as the wire's response body, without empty parts. */
export function failureBody(failure: Failure): Response {
  const { message, detail, validations } = failure
  return {
    message,
    ...(detail !== undefined && detail !== '' && { detail }),
    ...(validations !== undefined && validations.length > 0 && { validations: [...validations] }),
  }
}

/**
 * Sends a failure. When the answer has started already, the connection is cut instead, so that the
 * client doesn't take what it got for a complete answer.
 */
export function sendFailure(failure: Failure, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.statusCode = failure.status
  if (failure.code === 'bypass_forbidden') {
    // This failure alone is plain text on the wire (Coder v2 API, v0.13.4, "rate limits").
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end(`${failure.message}\n`)
    return
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(writeJson(failureBody(failure)))
}
