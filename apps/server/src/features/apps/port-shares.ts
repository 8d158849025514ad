import { Failure, type PortShare } from '@berth/schema'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import type { Database } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { AgentRow, WorkspaceRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { AppStore, SharingLevel } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: AppStore
  readonly audit: AuditService
  readonly accessUrl: string
  /** Called when this server must look up again who may open what. */
  readonly forgetAdmissions: () => void
  /** The wildcard host name of apps, with the port; empty when apps have none. */
  readonly appHost: () => string
}

/** The agent whose ports are shared, with its workspace. */
interface Place {
  readonly workspaceagent: Pick<AgentRow, 'id' | 'name'>
  readonly workspace: WorkspaceRow
}

const PORT = /^\d{1,5}$/
/** The wire reserves the ports below (Coder v2 API, v0.13.4). */
const LEAST_PORT = 9
const MAX_PORT = 65_535

/** Who may open ports of workspaces, beside their owners. */
export class PortShares {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Returns the shared ports of an agent, sorted by port. */
  async list(place: Place): Promise<PortShare[]> {
    const { store } = this.#dependencies
    const owner = await store.getUsername(place.workspace.owner_id)
    const shares = await store.listShares(place.workspaceagent.id)
    return shares.map((share) => ({ ...share, url: this.#urlOf(place, { owner, port: share.port }) }))
  }

  /** Sets who may open a port. Throws `invalid_port`, `agent_not_current`. */
  async update(actor: Actor, place: Place, request: { readonly port: string; readonly sharing_level: SharingLevel }): Promise<PortShare> {
    const { database, store, audit, forgetAdmissions } = this.#dependencies
    const { workspace, workspaceagent } = place
    const { sharing_level } = request
    const port = readPort(request.port)
    const owner = await store.getUsername(workspace.owner_id)
    await database.transaction(async (transaction) => {
      const isSet = await store.in(transaction).setShare(workspaceagent.id, { port, sharing_level })
      if (!isSet) throw new Failure('agent_not_current')
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'workspace',
        resource_id: workspace.id,
        resource_target: workspace.name,
        organization_id: workspace.organization_id,
        before: workspace,
        after: workspace,
        additional_fields: { port: String(port), sharing_level },
      })
      // The other servers learn of it this way.
      await notify(transaction, WORKSPACES_CHANNEL, workspace.id)
    })
    forgetAdmissions()
    return { port, sharing_level, url: this.#urlOf(place, { owner, port }) }
  }

  #urlOf({ workspace, workspaceagent }: Place, { owner, port }: { readonly owner: string; readonly port: number }): string {
    const { accessUrl, appHost } = this.#dependencies
    const host = appHost()
    if (host === '') return ''
    return `${new URL(accessUrl).protocol}//${host.replace('*', () => `${port}--${workspaceagent.name}--${workspace.name}--${owner}`)}/`
  }
}

function readPort(text: string): number {
  const port = PORT.test(text) ? Number(text) : 0
  if (port >= LEAST_PORT && port <= MAX_PORT) return port
  throw new Failure('invalid_port', { detail: `${JSON.stringify(text)} is not one.` })
}
