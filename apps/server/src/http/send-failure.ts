import type { ServerResponse } from 'node:http'
import type { Failure, Response } from '@berth/schema'
import { writeJson } from './json-writer.ts'

/** The wire's envelope of a failure; empty parts are left out. */
export function failureBody(failure: Failure): Response {
  const { message, detail, validations } = failure
  return {
    message,
    ...(detail !== undefined && detail !== '' && { detail }),
    ...(validations !== undefined && validations.length > 0 && { validations: [...validations] }),
  }
}

/** Sends a failure, unless an answer is already under way; then the connection is ended, since nothing true can follow. */
export function sendFailure(failure: Failure, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.statusCode = failure.status
  if (failure.code === 'bypass_forbidden') {
    // The one failure that the wire has as plain text (Coder v2 API, v0.13.4, "rate limits").
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end(`${failure.message}\n`)
    return
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(writeJson(failureBody(failure)))
}
