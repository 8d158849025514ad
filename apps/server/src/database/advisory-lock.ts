import { createHash } from 'node:crypto'
import { Client } from 'pg'
import type { Logger } from 'pino'
import { connectionConfig } from './connection.ts'

/** A lock that one process on the database holds at a time, for as long as its connection lives. */
export interface AdvisoryLock {
  /**
   * Settles when the lock is released or its connection breaks. Another process may hold it
   * afterwards.
   */
  readonly lost: Promise<void>
  release(): Promise<void>
}

/**
 * Returns the number that PostgreSQL knows a lock by: the first 8 bytes of the SHA-256 of its name.
 */
export function advisoryLockNumber(name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE().toString()
}

/**
 * Takes a named lock on a connection of its own. Returns undefined when another process holds it.
 */
export async function tryHoldAdvisoryLock(options: {
  connectionUrl: string
  name: string
  logger: Logger
}): Promise<AdvisoryLock | undefined> {
  const client = new Client(connectionConfig(options.connectionUrl, { statementTimeoutMs: 0 }))
  const lost = new Promise<void>((resolve) => client.once('end', resolve))
  client.on('error', (error) => options.logger.warn({ err: error, lock: options.name }, 'lost the connection that held a lock'))
  await client.connect()
  try {
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [advisoryLockNumber(options.name)])
    if (rows[0]?.held === true) return { lost, release: async () => await client.end() }
  } catch (error) {
    await client.end()
    throw error
  }
  await client.end()
  return undefined
}
