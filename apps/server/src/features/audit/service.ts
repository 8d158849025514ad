import type { Clock } from '../../clock.ts'
import { timestamp } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditEntry, AuditStore } from './store.ts'

/** What was done to what; who, when and from where is added. */
export interface AuditedChange {
  readonly action: AuditEntry['action']
  readonly resource_type: string
  readonly resource_id: string
  /** What people call the resource. */
  readonly resource_target: string
  readonly organization_id?: string
  readonly before?: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
  /** Fields that changed and whose values nobody is to see. */
  readonly secrets?: readonly string[]
  /** Default 200. */
  readonly status_code?: number
  readonly additional_fields?: Readonly<Record<string, string>>
}

const BLANKED = { old: '', new: '', secret: true } as const

/** Writes the audit log. Entries are written in the transaction of the change they tell of, so neither exists without the other. */
export class AuditService {
  readonly #store: AuditStore
  readonly #clock: Clock

  constructor({ store, clock }: { readonly store: AuditStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** Records what a signed-in user changed. */
  async record(transaction: Transaction, actor: Pick<Actor, 'user_id' | 'origin'>, change: AuditedChange): Promise<void> {
    const { before, after, secrets = [], organization_id, status_code = 200, additional_fields = {}, ...rest } = change
    await this.#store.in(transaction).insert({
      ...rest,
      ...actor.origin,
      time: timestamp(this.#clock.now()),
      user_id: actor.user_id,
      organization_id: organization_id ?? null,
      diff: { ...difference(before ?? {}, after ?? {}), ...Object.fromEntries(secrets.map((field) => [field, BLANKED])) },
      status_code,
      additional_fields,
    })
  }
}

/** The fields that changed, with both values. */
function difference(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): AuditEntry['diff'] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return Object.fromEntries(
    fields
      .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
      .map((field) => [field, { old: before[field] ?? '', new: after[field] ?? '', secret: false }]),
  )
}
