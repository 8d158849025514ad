import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql, type IsolationLevel, type Transaction as KyselyTransaction } from 'kysely'
import { Pool } from 'pg'
import type { Logger } from 'pino'
import { columnValues } from './column-values.ts'
import { connectionConfig, describeConnection } from './connection.ts'
import { isConnectionError, isSerializationError, isStalePlanError } from './database-errors.ts'
import { NamedStatementPool } from './named-statement-pool.ts'
import type { Tables } from './tables.gen.ts'

/** What stores run statements on: the pool or a transaction. */
export type Queries = Kysely<Tables>

/** An open transaction. */
export type Transaction = KyselyTransaction<Tables>

/** How to open the database. */
export interface DatabaseOptions {
  /** The URL of a PostgreSQL server: `postgresql://…`. */
  readonly connectionUrl: string
  readonly logger: Logger
  /** The most connections held at once. Default: {@link DEFAULT_MAX_CONNECTIONS}. */
  readonly maxConnections?: number
  /**
   * A statement that runs longer is cancelled; 0 turns this off. Default: {@link
   * DEFAULT_STATEMENT_TIMEOUT_MS}.
   */
  readonly statementTimeoutMs?: number
  /**
   * How long taking a connection waits for an absent server, for example while it restarts.
   * Default: {@link DEFAULT_PATIENCE_MS}.
   */
  readonly patienceMs?: number
}

/** How to run a transaction. */
export interface TransactionOptions {
  /** Default: `read committed`. */
  readonly isolationLevel?: IsolationLevel
}

const DEFAULT_MAX_CONNECTIONS = 20
const DEFAULT_STATEMENT_TIMEOUT_MS = 60_000
const DEFAULT_PATIENCE_MS = 5_000
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000

/** Connections that stay open when the server is idle, and how long the others do. */
const KEPT_CONNECTIONS = 4
const IDLE_TIMEOUT_MS = 60_000
const MAX_LIFETIME_SECONDS = 3_600

const MAX_TRANSACTION_ATTEMPTS = 4
const FIRST_RETRY_MS = 5

/**
 * Opens a pool of connections and makes the first one right away. Migrate the database first.
 *
 * @throws Error that names the server when it can't be reached in time, ConnectionUrlError for an
 * invalid URL.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { connectionUrl, logger } = options
  const maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS
  const enumArrays = new Set<number>()
  const pool = new Pool({
    ...connectionConfig(connectionUrl, { statementTimeoutMs: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS }),
    types: columnValues(enumArrays),
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    max: maxConnections,
    min: KEPT_CONNECTIONS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
  })
  // Without these two listeners a broken connection would end the process: the pool only watches
  // idle ones.
  pool.on('error', (error) => logger.warn({ err: error }, 'lost an idle database connection'))
  pool.on('connect', (client) => client.on('error', (error) => logger.debug({ err: error }, 'lost a database connection')))
  const database = new Database({
    pool: new NamedStatementPool(pool, { patienceMs: options.patienceMs ?? DEFAULT_PATIENCE_MS }),
    maxConnections,
  })
  try {
    const { rows } = await sql<{ oid: number }>`select typarray as oid from pg_type where typtype = 'e'`.execute(database.kysely)
    for (const { oid } of rows) enumArrays.add(oid)
  } catch (error) {
    await database.close()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Can't reach PostgreSQL (${describeConnection(connectionUrl)}): ${reason}`, { cause: error })
  }
  return database
}

/** The database as the server's stores see it. */
export class Database {
  /** Runs single statements, each on any connection of the pool. */
  readonly kysely: Queries
  readonly #pool: NamedStatementPool
  readonly #maxConnections: number

  constructor({ pool, maxConnections }: { pool: NamedStatementPool; maxConnections: number }) {
    this.#pool = pool
    this.#maxConnections = maxConnections
    this.kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  }

  /**
   * Runs `work` in a transaction, which commits when `work` returns and rolls back when it throws.
   *
   * `work` may run up to {@link MAX_TRANSACTION_ATTEMPTS} times: again when it lost against another
   * transaction, or when the connection broke before it started. It must therefore tolerate
   * repetition in everything it does outside the transaction.
   */
  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      let hasBegun = false
      try {
        const builder = this.kysely.transaction()
        const { isolationLevel } = options
        return await (isolationLevel === undefined ? builder : builder.setIsolationLevel(isolationLevel)).execute(async (transaction) => {
          hasBegun = true
          return await work(transaction)
        })
      } catch (error) {
        const mayRepeat = isSerializationError(error) || isStalePlanError(error) || (!hasBegun && isConnectionError(error))
        if (!mayRepeat || attempt === MAX_TRANSACTION_ATTEMPTS) throw error
        await sleep(FIRST_RETRY_MS * 4 ** (attempt - 1))
      }
    }
  }

  /** Opens up to `connections` connections ahead of the first requests. */
  async warm(connections: number): Promise<void> {
    const length = Math.min(connections, this.#maxConnections)
    const opened = await Promise.allSettled(Array.from({ length }, () => this.#pool.connect()))
    for (const result of opened) if (result.status === 'fulfilled') result.value.release()
    for (const result of opened) if (result.status === 'rejected') throw result.reason
  }

  /** Closes all connections after their running statements. */
  async close(): Promise<void> {
    await this.#pool.end()
  }
}
