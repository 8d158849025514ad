import { Client } from 'pg'
import { connectionConfig } from '../src/database/connection.ts'

type Row = Record<string, unknown>

/** Runs one statement on the database of a server, for what no endpoint does yet. */
export async function runSql(
  { databaseUrl }: { readonly databaseUrl: string },
  statement: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client(connectionConfig(databaseUrl, { statementTimeoutMs: 0 }))
  await client.connect()
  try {
    const { rows } = await client.query<Row>(statement, [...values])
    return rows
  } finally {
    await client.end()
  }
}
