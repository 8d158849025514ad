import { sql } from 'kysely'
import { randomUUID } from 'node:crypto'
import type { Queries } from '../../database/database.ts'

/** One entry of the audit log. */
export interface AuditEntry {
  readonly time: string
  readonly user_id: string
  readonly organization_id: string | null
  readonly ip: string
  readonly user_agent: string
  readonly request_id: string
  readonly resource_type: string
  readonly resource_id: string
  readonly resource_target: string
  readonly action: 'create' | 'write' | 'delete' | 'start' | 'stop'
  readonly diff: Readonly<Record<string, { readonly old?: unknown; readonly new?: unknown; readonly secret: boolean }>>
  readonly status_code: number
  readonly additional_fields: Readonly<Record<string, string>>
}

/** The audit log in the database. */
export class AuditStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): AuditStore {
    return new AuditStore(queries)
  }

  async insert(entry: AuditEntry): Promise<void> {
    const { diff, additional_fields, ...rest } = entry
    await this.#queries
      .insertInto('audit_logs')
      .values({
        id: randomUUID(),
        ...rest,
        diff: sql`${JSON.stringify(diff)}::jsonb`,
        additional_fields: sql`${JSON.stringify(additional_fields)}::jsonb`,
      })
      .execute()
  }
}
