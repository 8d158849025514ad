import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { isConnectionError, isStalePlanError } from './database-errors.ts'

/** Prepared statements each connection may hold; those beyond are planned each time. A program has a few hundred, and each costs memory. */
const MAX_STATEMENTS_PER_CONNECTION = 1_000

/** Names remembered by statement text. */
const MAX_REMEMBERED_NAMES = 2_000

/** Texts longer than this are one-off bulk statements. */
const MAX_NAMED_TEXT_CHARACTERS = 20_000

const FIRST_RECONNECT_MS = 20
const MAX_RECONNECT_MS = 250

/**
 * A pool for Kysely that prepares every statement with parameters once per connection, by naming it after its text: neither Kysely nor `pg` names
 * statements, and planning anew costs several times what running does.
 *
 * Taking a connection waits while the server restarts; nothing has been sent by then, so that is safe for any statement.
 */
export class NamedStatementPool implements PostgresPool {
  readonly #pool: Pool
  readonly #patienceMs: number
  readonly #names = new Map<string, string>()
  readonly #clients = new WeakMap<PoolClient, NamedStatementClient>()

  constructor(pool: Pool, options: { patienceMs: number }) {
    this.#pool = pool
    this.#patienceMs = options.patienceMs
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#acquire()
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const named = new NamedStatementClient(client, (text) => this.#nameOf(text))
    this.#clients.set(client, named)
    return named
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }

  async #acquire(): Promise<PoolClient> {
    const deadline = performance.now() + this.#patienceMs
    for (let delayMs = FIRST_RECONNECT_MS; ; delayMs = Math.min(delayMs * 2, MAX_RECONNECT_MS)) {
      try {
        return await this.#pool.connect()
      } catch (error) {
        if (!isConnectionError(error) || this.#pool.ending || performance.now() + delayMs > deadline) throw error
        await sleep(delayMs)
      }
    }
  }

  #nameOf(text: string): string {
    const known = this.#names.get(text)
    if (known !== undefined) return known
    if (this.#names.size >= MAX_REMEMBERED_NAMES) {
      for (const oldest of this.#names.keys()) {
        this.#names.delete(oldest)
        break
      }
    }
    const name = `berth_${createHash('sha256').update(text).digest('base64url').slice(0, 32)}`
    this.#names.set(text, name)
    return name
  }
}

class NamedStatementClient implements PostgresPoolClient {
  readonly #client: PoolClient
  readonly #nameOf: (text: string) => string
  readonly #prepared = new Set<string>()
  #isBroken = false

  constructor(client: PoolClient, nameOf: (text: string) => string) {
    this.#client = client
    this.#nameOf = nameOf
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(sql: string | PostgresCursor<R>, parameters: readonly unknown[] = []): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof sql !== 'string') throw new TypeError('Cursors are not supported')
    return this.#run(sql, parameters)
  }

  release(): void {
    // A connection in an unknown state, or still inside a transaction, is no use to the next one who takes it.
    const isClean = !this.#isBroken && this.#client.getTransactionStatus() === 'I'
    this.#client.release(isClean ? undefined : true)
  }

  async #run<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const values = [...parameters]
    const name = values.length === 0 ? undefined : this.#statementName(text)
    try {
      const result = await this.#client.query(name === undefined ? { text, values } : { name, text, values })
      if (text === 'commit' && result.command === 'ROLLBACK') {
        throw new Error('The transaction was rolled back: a statement in it had failed and its error was passed over')
      }
      return result as unknown as PostgresQueryResult<R> // Kysely narrows `command` to the words it looks for
    } catch (error) {
      if (isStalePlanError(error)) {
        this.#isBroken = true // its other statements may be stale too
        if (this.#client.getTransactionStatus() === 'I')
          return (await this.#client.query({ text, values })) as unknown as PostgresQueryResult<R> // as above
      }
      if (isConnectionError(error)) this.#isBroken = true
      // A connection that can't roll back is closed on release, which rolls back. The error that led here is the one to report.
      if (text === 'rollback' && this.#isBroken) return { command: 'DELETE', rowCount: 0, rows: [] }
      throw error
    }
  }

  #statementName(text: string): string | undefined {
    if (text.length > MAX_NAMED_TEXT_CHARACTERS) return undefined
    const name = this.#nameOf(text)
    if (this.#prepared.has(name)) return name
    if (this.#prepared.size >= MAX_STATEMENTS_PER_CONNECTION) return undefined
    this.#prepared.add(name)
    return name
  }
}
