import type { Database } from '../../database/database.ts'
import type { Quota, QuotaStore } from './store.ts'

/** What was asked for was given or not, and what there is. */
export interface QuotaDecision extends Quota {
  readonly ok: boolean
}

/** Credits: what workspaces cost, and what groups allow their members to spend. */
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
   * Takes credits for a build: what the newest builds of the owner cost and this one may not be more than the budget, unless its workspace had a cost before, so that
   * what runs can be stopped and started again (Coder v2 API, v0.13.4). Whoever asks at the same moment waits, so that no credit is spent twice.
   */
  async commit(jobId: string, dailyCost: number): Promise<QuotaDecision> {
    return await this.#database.transaction(async (transaction) => {
      const store = this.#store.in(transaction)
      const build = await store.findBuild(jobId)
      // Only builds cost something.
      if (build === undefined) return { ok: true, credits_consumed: 0, budget: -1 }
      await store.lockUser(build.owner_id)
      // Asking again after an answer was lost must not count the build twice.
      await store.setCost(build.id, 0)
      const { credits_consumed, budget } = await store.get(build.owner_id)
      const ok = credits_consumed + dailyCost <= budget || build.previous_cost > 0
      if (!ok) return { ok, credits_consumed, budget }
      await store.setCost(build.id, dailyCost)
      return { ok, credits_consumed: credits_consumed + dailyCost, budget }
    })
  }
}
