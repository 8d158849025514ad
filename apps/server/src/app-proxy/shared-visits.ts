import type { NamedApp } from '../features/apps/service.ts'
import type { Actor } from '../http/caller.ts'

/** A visit to a port that its owner has shared. */
export interface SharedVisit {
  readonly address: NamedApp
  readonly workspaceId: string
  readonly actor: Actor | undefined
  readonly end: () => void
}

/**
 * The open visits to shared ports. A visit ends with the sharing, however long its connection
 * lasts.
 */
export class SharedVisits {
  readonly #open = new Set<SharedVisit>()
  readonly #mayContinue: (visit: SharedVisit) => Promise<boolean>

  constructor(mayContinue: (visit: SharedVisit) => Promise<boolean>) {
    this.#mayContinue = mayContinue
  }

  /** Returns a function to call when the visit ends by itself. */
  add(visit: SharedVisit): () => void {
    this.#open.add(visit)
    return () => void this.#open.delete(visit)
  }

  /** Ends the visits to a workspace, or to any, that have lost access. */
  async recheck(workspaceId?: string): Promise<void> {
    const visits = [...this.#open].filter((visit) => workspaceId === undefined || visit.workspaceId === workspaceId)
    // Strangers decide how many visits there are, so the same visitor is looked up once.
    const answers = new Map<string, boolean>()
    for (const visit of visits) {
      const { user, workspace, agent, app } = visit.address
      const key = JSON.stringify([user, workspace, agent, app, visit.actor?.key_id])
      const mayContinue = answers.get(key) ?? (await this.#mayContinue(visit))
      answers.set(key, mayContinue)
      if (!mayContinue) visit.end()
    }
  }
}
