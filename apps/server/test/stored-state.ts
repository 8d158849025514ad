import { Client } from 'pg'
import { connectionConfig } from '../src/database/connection.ts'
import type { TestServer } from './start-test-server.ts'

/** Rows that requests without a body delete, and that later requests ask for again. */
const KEPT = ['api_keys', 'groups', 'group_members', 'parameter_values']

/** Tables that servers write to on their own, such as the count of audit log entries. */
const OF_SERVERS = ['replica_beats', 'replicas', 'replica_relay_secret', 'provisioner_daemons', 'audit_totals']

/** What the database of a server holds, for tests that nothing has changed. */
export class StoredState {
  readonly #client: Client
  readonly #hashes: string

  private constructor(client: Client, tables: readonly string[]) {
    this.#client = client
    this.#hashes = tables
      .map((name) => {
        const condition = name === 'audit_logs' ? 'where status_code < 400' : ''
        return `select '${name}' as name, md5(coalesce(string_agg(row::text, ',' order by row::text), '')) as hash from public.${name} as row ${condition}`
      })
      .join(' union all ')
  }

  /** Remembers what {@link restore} brings back. Close it when the test is over. */
  static async of({ databaseUrl }: TestServer): Promise<StoredState> {
    const client = new Client(connectionConfig(databaseUrl, { statementTimeoutMs: 0 }))
    await client.connect()
    await client.query(['create schema kept', ...KEPT.map((table) => `create table kept.${table} as table public.${table}`)].join('; '))
    const { rows } = await client.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    )
    return new StoredState(
      client,
      rows.map(({ name }) => name).filter((name) => !OF_SERVERS.includes(name)),
    )
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  /** Returns a hash of each table's rows, without audit entries about failed attempts. */
  async hashes(): Promise<Record<string, string>> {
    const { rows } = await this.#client.query<{ name: string; hash: string }>(this.#hashes)
    return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]))
  }

  /** Undoes deletions, and suspensions but for that of one person. */
  async restore(suspended: string): Promise<void> {
    await this.#client.query(KEPT.map((table) => `insert into public.${table} table kept.${table} on conflict do nothing`).join('; '))
    await this.#client.query(`update users set status = 'active' where id <> $1 and status <> 'active'`, [suspended])
  }
}
