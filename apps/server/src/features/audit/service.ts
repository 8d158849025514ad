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

/** What was done to what; who, when and from where is added. */
interface Deed {
  readonly action: AuditEntry['action']
  readonly resource_type: string
  readonly resource_id: string
  /** What people call the resource. */
  readonly resource_target: string
  readonly organization_id?: string
  /** Default 200. */
  readonly status_code?: number
  readonly additional_fields?: Readonly<Record<string, string>>
}

/** A deed that changed something, with the row as it was and as it has become. */
export type AuditedChange = Deed & RowChange

/** Writes the audit log. Entries are written in the transaction of the change they tell of, so neither exists without the other. */
export class AuditService {
  readonly #store: AuditStore
  readonly #clock: Clock
  readonly #isEnabled: boolean

  /** @param options.isEnabled Whether anything is recorded. Default: yes. */
  constructor(options: { readonly store: AuditStore; readonly clock: Clock; readonly isEnabled?: boolean }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#isEnabled = options.isEnabled ?? true
  }

  /** Records what a signed-in user changed. */
  async record(transaction: Transaction, actor: Pick<Actor, 'user_id' | 'origin'>, change: AuditedChange): Promise<void> {
    if (!this.#isEnabled) return
    await this.#insert(this.#store.in(transaction), actor, { ...change, diff: difference(change) })
  }

  /** Records that somebody tried to change something, in vain: nothing changed, so there is no transaction and no difference. */
  async recordFailure(actor: Actor, attempt: Deed & { readonly status_code: number }): Promise<void> {
    if (!this.#isEnabled) return
    await this.#insert(this.#store, actor, { ...attempt, diff: {} })
  }

  /** A page of the log, the newest first, and how many entries match over all pages. Without a limit the page is empty (Coder v2 API, v0.13.4). */
  async list(request: { q?: string; limit?: number; offset?: number }): Promise<{ views: AuditView[]; count: number }> {
    const { q = '', limit = 0, offset = 0 } = request
    const { username, email, ...words } = readFilter(q)
    const user_ids = await this.#store.findPeople({ ...(username !== undefined && { username }), ...(email !== undefined && { email }) })
    if (user_ids?.length === 0) return { views: [], count: 0 }
    const filter = { ...words, ...(user_ids !== undefined && { user_ids }) }
    const count = await this.#store.count(filter)
    // Where nothing is left, a page would be looked for in all there is.
    const views = limit === 0 || offset >= count ? [] : await this.#store.listPage({ filter, limit, offset })
    return { views, count }
  }

  /** Writes an entry that tells of nothing, for tests of what reads the log. Throws `validation_failed`. */
  async generateTest(actor: Actor, { action, resource_type, resource_id, time }: CreateTestAuditLogRequest): Promise<void> {
    // The database knows no year zero.
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

/** Absent and zero are the same on the wire. */
function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== NIL_UUID && value !== ZERO_TIME
}
