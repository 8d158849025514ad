import { sql } from 'kysely'
import type { Queries } from '../database/database.ts'
import { resealCheck } from './check-key.ts'
import { SecretError, placeOf, type SecretBox } from './secret-box.ts'

/** A column with sealed values. */
interface SealedColumn {
  readonly table: string
  readonly column: string
  /** The columns of the primary key. */
  readonly key: readonly string[]
  /** The columns that name the row in the secret's place. Default: the primary key. */
  readonly place?: readonly string[]
}

/** All sealed columns. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'workspace_builds', column: 'provisioner_state', key: ['id'], place: ['workspace_id'] },
  { table: 'parameter_values', column: 'sealed_value', key: ['id'], place: ['scope_id', 'name'] },
  { table: 'gitsshkeys', column: 'sealed_private_key', key: ['user_id'] },
  { table: 'git_auth_links', column: 'sealed_access_token', key: ['provider_id', 'user_id'] },
  { table: 'git_auth_links', column: 'sealed_refresh_token', key: ['provider_id', 'user_id'] },
  { table: 'user_links', column: 'sealed_access_token', key: ['user_id', 'login_type'] },
  { table: 'user_links', column: 'sealed_refresh_token', key: ['user_id', 'login_type'] },
  { table: 'workspace_agents', column: 'sealed_auth_token', key: ['id'] },
  { table: 'workspace_agents', column: 'sealed_values', key: ['id'] },
  { table: 'replica_relay_secret', column: 'sealed_secret', key: ['id'] },
]

/** The result of {@link resealAll}. */
export interface Resealed {
  /** Secrets that have been encrypted with the newest key. */
  readonly resealed: number
  /** Places of secrets that no key opens. They stay as they are. */
  readonly unreadable: readonly string[]
}

const BATCH_ROWS = 100
/** Servers may write with an older key while a pass runs. Another pass catches that. */
const MAX_PASSES = 5

/**
 * Encrypts with the newest key whatever isn't: secrets sealed with older keys, and clear text from
 * before there were keys. Works in small batches while servers run. A row that changes meanwhile is
 * left to the next pass. Running it again is harmless.
 */
export async function resealAll(queries: Queries, secrets: SecretBox): Promise<Resealed> {
  let resealed = await sealClearParameters(queries, secrets)
  const unreadable = new Set<string>()
  for (let pass = 0, changed = -1; pass < MAX_PASSES && changed !== 0; pass++) {
    changed = 0
    for (const column of sealedColumns) changed += await resealColumn(queries, secrets, { column, unreadable })
    resealed += changed
  }
  if (unreadable.size === 0) await resealCheck(queries, secrets)
  return { resealed, unreadable: [...unreadable] }
}

async function resealColumn(
  queries: Queries,
  secrets: SecretBox,
  { column: sealed, unreadable }: { readonly column: SealedColumn; readonly unreadable: Set<string> },
): Promise<number> {
  const { table, column, key, place = key } = sealed
  const prefix = secrets.currentPrefix
  const keyColumns = sql.join(key.map((name) => sql.ref(name)))
  let cursor: readonly string[] | undefined
  let changed = 0
  for (;;) {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.join([...new Set([...key, ...place, column])].map((name) => sql.ref(name)))} from ${sql.table(table)}
      where ${sql.ref(column)} is not null and substring(${sql.ref(column)} from 1 for ${sql.lit(prefix.length)}) <> ${prefix}
        and ${cursor === undefined ? sql`true` : sql`(${keyColumns}) > (${sql.join(cursor)})`}
      order by ${keyColumns} limit ${sql.lit(BATCH_ROWS)}`.execute(queries)
    for (const row of rows) {
      const stored = row[column]
      if (!Buffer.isBuffer(stored)) throw new Error(`${table}.${column} isn't a bytea column`)
      const placed = placeOf(table, column, ...place.map((name) => String(row[name])))
      const plain = openOrNothing(secrets, stored, placed)
      if (plain === undefined) {
        unreadable.add(placed)
        continue
      }
      const { numAffectedRows = 0n } = await sql`
        update ${sql.table(table)} set ${sql.ref(column)} = ${secrets.seal(plain, placed)}
        where (${keyColumns}) = (${sql.join(key.map((name) => row[name]))}) and ${sql.ref(column)} = ${stored}`.execute(queries)
      changed += Number(numAffectedRows)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < BATCH_ROWS) return changed
    cursor = key.map((name) => String(last[name]))
  }
}

function openOrNothing(secrets: SecretBox, stored: Buffer, place: string): Buffer | undefined {
  try {
    return secrets.open(stored, place)
  } catch (error) {
    if (error instanceof SecretError) return undefined
    throw error
  }
}

/** Seals values in clear text from before there were keys. They are in a text column. */
async function sealClearParameters(queries: Queries, secrets: SecretBox): Promise<number> {
  let sealed = 0
  for (;;) {
    const rows = await queries
      .selectFrom('parameter_values')
      .select(['id', 'scope_id', 'name', 'source_value'])
      .where('sealed_value', 'is', null)
      .limit(BATCH_ROWS)
      .execute()
    for (const { id, scope_id, name, source_value } of rows) {
      const { numUpdatedRows } = await queries
        .updateTable('parameter_values')
        .set({
          source_value: '',
          sealed_value: secrets.sealText(source_value, placeOf('parameter_values', 'sealed_value', scope_id, name)),
        })
        .where('id', '=', id)
        .where('sealed_value', 'is', null)
        .where('source_value', '=', source_value)
        .executeTakeFirst()
      sealed += Number(numUpdatedRows)
    }
    if (rows.length < BATCH_ROWS) return sealed
  }
}
