import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { isConnectionError, isStalePlanError } from './database-errors.ts'

/**
 * Prepared statements per connection. Each costs memory, and a program has a few hundred. Further
 * ones are planned each time.
 */
const MAX_STATEMENTS_PER_CONNECTION = 1_000

/** Names remembered for statement texts. */
const MAX_REMEMBERED_NAMES = 2_000

/** Longer texts are one-off bulk statements. */
const MAX_NAMED_TEXT_CHARACTERS = 20_000

const FIRST_RECONNECT_MS = 20
const MAX_RECONNECT_MS = 250

/** How long a server that doesn't answer may keep connections from closing. */
const END_PATIENCE_MS = 2_000

/**
 * A pool for Kysely that prepares each statement with parameters once per connection, under a name
 * derived from its text. Neither Kysely nor `pg` names statements, and planning one anew costs
 * several times its execution.
 *
 * Taking a connection waits while the server restarts. Nothing has been sent at that point, so
 * waiting is safe for any statement.
 */
export class NamedStatementPool implements PostgresPool {
  readonly #pool: Pool
  readonly #patienceMs: number
  readonly #names = new Map<string, string>()
  readonly #clients = new WeakMap<PoolClient, NamedStatementClient>()
  readonly #open = new Set<PoolClient>()

  constructor(pool: Pool, options: { patienceMs: number }) {
    this.#pool = pool
    this.#patienceMs = options.patienceMs
    pool.on('connect', (client) => {
      this.#open.add(client)
      client.once('end', () => this.#open.delete(client))
    })
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#acquire()
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const named = new NamedStatementClient(client, (text) => this.#nameOf(text))
    this.#clients.set(client, named)
    return named
  }

  /**
   * Closes all connections, and waits until the server has closed them too: the pool forgets them
   * earlier, and a server that stops then reports each as an error.
   */
  async end(): Promise<void> {
    const ended = Array.from(this.#open, async (client) => await once(client, 'end'))
    await this.#pool.end()
    await Promise.race([Promise.allSettled(ended), sleep(END_PATIENCE_MS, undefined, { ref: false })])
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
    // A connection in an unknown state or inside a transaction must not be reused.
    const isClean = !this.#isBroken && this.#client.getTransactionStatus() === 'I'
    this.#client.release(isClean ? undefined : true)
  }

  async #run<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const values = [...parameters]
    const name = values.length === 0 ? undefined : this.#statementName(text)
    try {
      const result = await this.#client.query(name === undefined ? { text, values } : { name, text, values })
      if (text === 'commit' && result.command === 'ROLLBACK') {
        throw new Error('The transaction was rolled back, because the error of a failed statement in it was ignored')
      }
      return result as unknown as PostgresQueryResult<R> // Kysely types `command` more narrowly
    } catch (error) {
      if (isStalePlanError(error)) {
        this.#isBroken = true // its other statements may be stale too
        if (this.#client.getTransactionStatus() === 'I')
          return (await this.#client.query({ text, values })) as unknown as PostgresQueryResult<R> // as above
      }
      if (isConnectionError(error)) this.#isBroken = true
      // Closing a broken connection rolls back. Report the first error, not this one.
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
