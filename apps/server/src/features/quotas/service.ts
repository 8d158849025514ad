import type { Database } from '../../database/database.ts'
import type { Quota, QuotaStore } from './store.ts'

/** Whether credits were granted, with the quota after the decision. */
export interface QuotaDecision extends Quota {
  readonly ok: boolean
}

/** Manages credits: what workspaces cost, and what groups let their members spend. */
export class QuotaService {
  readonly #database: Database
  readonly #store: QuotaStore

  constructor({ database, store }: { readonly database: Database; readonly store: QuotaStore }) {
    this.#database = database
    this.#store = store
  }

  async get(userId: string): Promise<Quota> {
    return await this.#store.get(userId)
  }

  /**
   * Commits credits for a build. The newest builds of the owner's workspaces and this one may not
   * cost more than the budget, unless the workspace's previous build had a cost, so that what runs
   * can be stopped and restarted (Coder v2 API, v0.13.4). Concurrent calls for one owner wait for
   * each other, so that no credit is spent twice.
   */
  async commit(jobId: string, dailyCost: number): Promise<QuotaDecision> {
    return await this.#database.transaction(async (transaction) => {
      const store = this.#store.in(transaction)
      const build = await store.findBuild(jobId)
      // Other jobs cost nothing.
      if (build === undefined) return { ok: true, credits_consumed: 0, budget: -1 }
      await store.lockUser(build.owner_id)
      // A caller may ask again after losing the answer; the build must not count twice.
      await store.setCost(build.id, 0)
      const { credits_consumed, budget } = await store.get(build.owner_id)
      const ok = credits_consumed + dailyCost <= budget || build.previous_cost > 0
      if (!ok) return { ok, credits_consumed, budget }
      await store.setCost(build.id, dailyCost)
      return { ok, credits_consumed: credits_consumed + dailyCost, budget }
    })
  }
}
