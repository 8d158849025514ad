import type { Clock } from '../clock.ts'
import { holderOf } from '../features/agents/agent-standing.ts'
import type { AgentCaller } from '../features/agents/service.ts'
import { failedWriteRecorder } from '../features/audit/failed-writes.ts'
import type { AuditService } from '../features/audit/service.ts'
import type { SessionService } from '../features/sessions/service.ts'
import type { Gate } from '../http/serve.ts'
import { createFinders, type FinderServices } from './finders.ts'
import type { FoundByPath } from './found-by-path.ts'
import { admits, refuseOwnRoles } from './policy.ts'
import { requestLimiter } from './request-limits.ts'
import { spellings } from './spellings.ts'

interface Dependencies extends FinderServices {
  readonly sessions: SessionService
  readonly audit: AuditService
  readonly clock: Clock
  /** Requests a minute for one caller on one path; negative for no limit. */
  readonly apiRateLimit: number
}

/**
 * Returns what every request passes before its handler: who calls, what the path names, and whether
 * the caller has access.
 */
export function createGate(dependencies: Dependencies): Gate<FoundByPath, AgentCaller> {
  const { sessions, agents, audit } = dependencies
  return {
    identify: async (token, origin) => await sessions.identify(token, origin),
    identifyAgent: async (token) => await agents.identify(token),
    spell: spellings,
    // serve() collects rows from left to right, so each finder gets the rows that its type names.
    find: createFinders(dependencies) as Gate<FoundByPath, AgentCaller>['find'],
    refuse: ({ spec, found, actor }) => refuseOwnRoles(spec, found, actor),
    holderOf,
    admits,
    limit: requestLimiter(dependencies),
    refused: failedWriteRecorder(audit),
  }
}
