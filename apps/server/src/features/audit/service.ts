import { randomUUID } from 'node:crypto'
import { Failure, type CreateTestAuditLogRequest } from '@berth/schema'
import { NIL_UUID, ZERO_TIME } from '@berth/schema/rules'
import type { Clock } from '../../clock.ts'
import { timestamp } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import type { Actor } from '../../http/caller.ts'
import { difference, type RowChange } from './difference.ts'
import { readFilter } from './read-filter.ts'
import type { AuditEntry, AuditStore, AuditView } from './store.ts'

/** An action on a resource. The log adds who, when and from where. */
interface Deed {
  readonly action: AuditEntry['action']
  readonly resource_type: string
  readonly resource_id: string
  /** The resource's name. */
  readonly resource_target: string
  readonly organization_id?: string
  /** Default: 200. */
  readonly status_code?: number
  readonly additional_fields?: Readonly<Record<string, string>>
}

/** A change of a resource, with its row before and after. */
export type AuditedChange = Deed & RowChange

/**
 * Writes and reads the audit log. Entries are written in the transaction of the change, so neither
 * exists without the other.
 */
export class AuditService {
  readonly #store: AuditStore
  readonly #clock: Clock
  readonly #isEnabled: boolean

  /** @param options.isEnabled - Whether to record anything. Default: true. */
  constructor(options: { readonly store: AuditStore; readonly clock: Clock; readonly isEnabled?: boolean }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#isEnabled = options.isEnabled ?? true
  }

  /** Records a change by a signed-in user. */
  async record(transaction: Transaction, actor: Pick<Actor, 'user_id' | 'origin'>, change: AuditedChange): Promise<void> {
    if (!this.#isEnabled) return
    await this.#insert(this.#store.in(transaction), actor, { ...change, diff: difference(change) })
  }

  /** Records a failed change. Nothing changed, so there is no transaction and no difference. */
  async recordFailure(actor: Actor, attempt: Deed & { readonly status_code: number }): Promise<void> {
    if (!this.#isEnabled) return
    await this.#insert(this.#store, actor, { ...attempt, diff: {} })
  }

  /**
   * Returns a page of the log, newest first, and the number of matches on all pages. Without a
   * limit the page is empty (Coder v2 API, v0.13.4).
   */
  async list(request: { q?: string; limit?: number; offset?: number }): Promise<{ views: AuditView[]; count: number }> {
    const { q = '', limit = 0, offset = 0 } = request
    const { username, email, ...words } = readFilter(q)
    const user_ids = await this.#store.findPeople({ ...(username !== undefined && { username }), ...(email !== undefined && { email }) })
    if (user_ids?.length === 0) return { views: [], count: 0 }
    const filter = { ...words, ...(user_ids !== undefined && { user_ids }) }
    const count = await this.#store.count(filter)
    // Skips the query, which would search the whole log for an empty page.
    const views = limit === 0 || offset >= count ? [] : await this.#store.listPage({ filter, limit, offset })
    return { views, count }
  }

  /**
   * Writes a made-up entry, for tests of programs that read the log. Throws `validation_failed`.
   */
  async generateTest(actor: Actor, { action, resource_type, resource_id, time }: CreateTestAuditLogRequest): Promise<void> {
    // PostgreSQL has no year zero.
    if (time !== undefined && time < ZERO_TIME)
      throw new Failure('validation_failed', { validations: [{ field: 'time', detail: `Must not be before ${ZERO_TIME}` }] })
    await this.#store.insert({
      ...actor.origin,
      time: isGiven(time) ? time : timestamp(this.#clock.now()),
      user_id: actor.user_id,
      organization_id: null,
      resource_type: resource_type || 'user',
      resource_id: isGiven(resource_id) ? resource_id : randomUUID(),
      resource_target: actor.username,
      action: action || 'write',
      diff: { foo: { old: 'bar', new: 'baz', secret: false } },
      status_code: 200,
      additional_fields: {},
    })
  }

  async #insert(
    store: AuditStore,
    actor: Pick<Actor, 'user_id' | 'origin'>,
    { action, resource_type, resource_id, resource_target, ...deed }: Deed & Pick<AuditEntry, 'diff'>,
  ): Promise<void> {
    await store.insert({
      ...actor.origin,
      time: timestamp(this.#clock.now()),
      user_id: actor.user_id,
      organization_id: deed.organization_id ?? null,
      resource_type,
      resource_id,
      resource_target,
      action,
      diff: deed.diff,
      status_code: deed.status_code ?? 200,
      additional_fields: deed.additional_fields ?? {},
    })
  }
}

/** The wire treats absent and zero alike. */
function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== NIL_UUID && value !== ZERO_TIME
}
