import { Failure } from '@berth/schema'
import { may } from '../../access/may.ts'
import type { Actor } from '../../http/caller.ts'
import type { AgentValues } from '../../secrets/agent-values.ts'
import { AppRefusal, appNotFound } from './app-refusal.ts'
import type { AppStore, NamedAgent, NamedWorkspace, SharingLevel } from './store.ts'

interface Dependencies {
  readonly store: AppStore
  /** Decrypts the values that people may not see. */
  readonly openValues: (agentId: string, sealed: Buffer) => AgentValues
}

/** An app or a port as a request names it. Nothing says that it exists. */
export interface NamedApp {
  /** `me`, an ID or a username. */
  readonly user: string
  readonly workspace: string
  /** Undefined: the workspace's only agent. */
  readonly agent: string | undefined
  /** The slug of an app, or a port. */
  readonly app: string | number
}

/** An app or a port of a running workspace. */
export interface AppTarget {
  readonly workspace: Omit<NamedWorkspace, 'agents'>
  readonly agent: Pick<NamedAgent, 'id' | 'name'>
  /** The slug, or the port. */
  readonly app: string | number
  /** May be anything that a template says. */
  readonly url: string
  readonly sharingLevel: SharingLevel
}

/** Finds apps, and decides who may open them. */
export class AppService {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Finds the app or port that a request names. The wire fixes the texts about agents (Coder v2
   * API, v0.13.4).
   *
   * @throws Failure `invalid_user`, `not_found`.
   * @throws AppRefusal if the workspace has no such agent or app.
   */
  async find(address: NamedApp, actor: Actor | undefined): Promise<AppTarget> {
    const { app } = address
    const user = address.user === 'me' ? actor?.user_id : address.user
    if (user === undefined) throw new Failure('invalid_user')
    const found = await this.#dependencies.store.find({ user, workspace: address.workspace, app })
    if (found === 'unknown-user') throw new Failure('invalid_user')
    if (found === undefined) throw new Failure('not_found')
    const { agents, ...workspace } = found
    const agent = chooseAgent(workspace, agents, address.agent)
    const place = { workspace, agent, app }
    if (typeof app === 'number') return { ...place, url: `http://127.0.0.1:${app}`, sharingLevel: agent.port_sharing_level ?? 'owner' }
    if (agent.app === null) throw appNotFound()
    return { ...place, url: this.#urlOf(agent, app) ?? agent.app.url, sharingLevel: agent.app.sharing_level }
  }

  /** Whether a caller may open an app (Coder v2 API, v0.13.4). */
  mayOpen(actor: Actor | undefined, { workspace, sharingLevel }: Pick<AppTarget, 'workspace' | 'sharingLevel'>): boolean {
    if (sharingLevel === 'public') return true
    if (actor === undefined) return false
    if (may(actor.permissions, 'create', { ...workspace, type: 'application_connect' })) return true
    return sharingLevel === 'authenticated' && may(actor.permissions, 'create', { type: 'application_connect', owner_id: actor.user_id })
  }

  #urlOf({ id, sealed_values }: NamedAgent, slug: string): string | undefined {
    return sealed_values === null ? undefined : this.#dependencies.openValues(id, sealed_values).apps[slug]?.url
  }
}

function chooseAgent({ name }: AppTarget['workspace'], agents: readonly NamedAgent[], wanted: string | undefined): NamedAgent {
  const [first, second] = agents
  if (first === undefined)
    throw noAgent(`No agents exist in the workspace ${name}: it isn't running.`, `Start it, for example with "berth start ${name}".`)
  const names = agents.map((agent) => agent.name).join(', ')
  if (wanted !== undefined) {
    const named = agents.find((agent) => agent.name.toLowerCase() === wanted.toLowerCase())
    if (named === undefined) throw noAgent(`No agent exists with the name "${wanted}".`, `Agents of the workspace ${name}: ${names}.`)
    return named
  }
  if (second !== undefined)
    throw noAgent('More than one agent exists, but no agent specified.', `Write ${name}.<agent>, with one of: ${names}.`)
  return first
}

function noAgent(message: string, advice: string): AppRefusal {
  return new AppRefusal({ status: 400, message, advice, form: 'page-or-json' })
}
