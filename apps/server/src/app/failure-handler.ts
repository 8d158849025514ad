import { Failure } from '@berth/schema'
import type { ErrorRequestHandler } from 'express'
import type { Logger } from 'pino'
import { isConnectionError, isStorageFullError } from '../database/database-errors.ts'
import { sendFailure } from '../http/send-failure.ts'
import { UpgradeAborted } from '../http/websocket-upgrade.ts'
import { originOf } from './request-origin.ts'

/**
 * Turns thrown errors into answers. Unexpected errors are logged in full and answered with a bare
 * 500.
 */
export function failureHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const { request_id } = originOf(response)
    if (Failure.is(error)) {
      if (error.code === 'upgrade_required') response.setHeader('Upgrade', 'websocket')
      sendFailure(error, response)
    } else if (error instanceof URIError) {
      sendFailure(new Failure('invalid_url', { cause: error }), response)
    } else if (isAborted(error)) {
      logger.debug({ err: error, request_id }, 'the client left before its request was answered')
      response.destroy()
    } else if (isConnectionError(error)) {
      logger.warn({ err: error, request_id }, 'the database could not be reached')
      sendFailure(new Failure('unavailable'), response)
    } else if (isStorageFullError(error)) {
      logger.error({ err: error, request_id }, 'the disk of the server or of its database is full')
      sendFailure(new Failure('storage_full'), response)
    } else {
      logger.error({ err: error, request_id }, 'request failed')
      sendFailure(new Failure('internal'), response)
    }
  }
}

/** Whether the client left while its body was being read, or during an upgrade. */
function isAborted(error: unknown): boolean {
  if (error instanceof UpgradeAborted) return true
  if (!(error instanceof Error) || !('code' in error)) return false
  // A reset connection to the database has the same code, and another message.
  return error.code === 'ERR_STREAM_PREMATURE_CLOSE' || (error.code === 'ECONNRESET' && error.message === 'aborted')
}
