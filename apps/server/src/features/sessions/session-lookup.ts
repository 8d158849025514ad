import { Failure } from '@berth/schema'
import { closeReasons } from '@berth/tunnel'
import type { Ending, Lookup } from '../../http/open-connections.ts'
import type { SessionService } from './service.ts'

const SESSION_ENDED: Ending = { closeReason: closeReasons.sessionEnded, failure: new Failure('signed_out') }

/**
 * Looks up which sessions have ended. When that fails, all in question count as ended; clients
 * reconnect by themselves.
 */
export function sessionLookup(sessions: Pick<SessionService, 'findSignedIn'>): Lookup {
  return {
    async findEnded(keyIds) {
      const signedIn = await sessions.findSignedIn(keyIds)
      return new Map(keyIds.filter((id) => !signedIn.has(id)).map((id) => [id, SESSION_ENDED]))
    },
    failedLookup: SESSION_ENDED,
  }
}
