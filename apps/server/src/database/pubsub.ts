import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { Client } from 'pg'
import type { Logger } from 'pino'
import { connectionConfig } from './connection.ts'
import type { Queries } from './database.ts'

/**
 * What a listener receives: a published message, or word that messages may have been missed and it
 * must look for itself. A resync comes with every new connection.
 */
export type PubSubMessage = { readonly kind: 'message'; readonly payload: string } | { readonly kind: 'resync' }

/** Called for each message in order. An error it throws is logged and affects nobody else. */
export type PubSubListener = (message: PubSubMessage) => void | Promise<void>

export interface PubSubOptions {
  readonly connectionUrl: string
  readonly logger: Logger
  /** How often the connection is tested. Default: {@link HEARTBEAT_INTERVAL_MS}. */
  readonly heartbeatIntervalMs?: number
  /**
   * How long an answer may take before the connection counts as dead. Default: {@link
   * ANSWER_TIMEOUT_MS}.
   */
  readonly answerTimeoutMs?: number
}

/**
 * The one PostgreSQL channel in use. Our own channel names are the first word of the payload, so a
 * subscription costs no statement and misses nothing that is committed after it.
 */
const WIRE_CHANNEL = 'berth'

const CHANNEL_NAME = /^[^\s]{1,200}$/

/** The longest payload that PostgreSQL accepts. */
const MAX_WIRE_BYTES = 7_999

const FIRST_RECONNECT_MS = 50
const MAX_RECONNECT_MS = 5_000
const HEARTBEAT_INTERVAL_MS = 15_000
const ANSWER_TIMEOUT_MS = 10_000

const NOTHING = () => {}

/**
 * Publishes on a channel when the transaction commits, or at once outside of a transaction.
 * Messages wake listeners, who read the tables for what changed. Commits that publish wait for each
 * other: a few per second are fine, thousands aren't.
 *
 * @throws RangeError when channel and payload together exceed {@link MAX_WIRE_BYTES}; TypeError for
 * an invalid channel name.
 */
export async function notify(queries: Queries, channel: string, payload = ''): Promise<void> {
  await notifyAll(queries, channel, [payload])
}

/**
 * Like {@link notify}, for many payloads in one statement. Listeners receive them in order, and
 * equal ones of a transaction once.
 */
export async function notifyAll(queries: Queries, channel: string, payloads: readonly string[]): Promise<void> {
  const texts = payloads.map((payload) => `${checkedChannel(channel)} ${payload}`)
  const largest = Math.max(0, ...texts.map((text) => Buffer.byteLength(text)))
  if (largest > MAX_WIRE_BYTES)
    throw new RangeError(`A message on ${channel} has ${largest} bytes with its channel; the limit is ${MAX_WIRE_BYTES}`)
  await sql`select pg_notify(${WIRE_CHANNEL}, text) from unnest(${texts}::text[]) as text`.execute(queries)
}

/**
 * Receives what any server on the database publishes with {@link notify}, over one connection that
 * is made anew whenever it breaks.
 */
export class PubSub {
  /** Settles when the first connection listens. */
  readonly ready: Promise<void>
  readonly #options: PubSubOptions
  readonly #listeners = new Map<string, Set<PubSubListener>>()
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #onReady: () => void = NOTHING

  constructor(options: PubSubOptions) {
    this.#options = options
    this.ready = new Promise((resolve) => (this.#onReady = resolve))
    this.#running = this.#run()
  }

  /**
   * Calls `listener` for everything committed on a channel from now on. Subscribe before reading
   * the state you follow. If the connection is down, a resync follows when it is back.
   *
   * @returns a function that ends the subscription; the listener isn't called afterwards.
   */
  subscribe(channel: string, listener: PubSubListener): () => void {
    const listeners = this.#listeners.get(checkedChannel(channel)) ?? new Set()
    this.#listeners.set(channel, listeners)
    const own: PubSubListener = (message) => listener(message) // one function may subscribe twice
    listeners.add(own)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) this.#listeners.delete(channel)
    }
  }

  /** Closes the connection. No listener is called afterwards. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { logger } = this.#options
    let delayMs = FIRST_RECONNECT_MS
    while (!signal.aborted) {
      try {
        await this.#listen(() => {
          delayMs = FIRST_RECONNECT_MS
          this.#onReady()
          for (const listeners of this.#listeners.values()) this.#deliver(listeners, { kind: 'resync' })
        })
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error, delayMs }, 'lost the connection for wake-ups; reconnecting')
      }
      await sleep(delayMs, undefined, { signal }).catch(() => {}) // an abort ends the loop
      delayMs = Math.min(delayMs * 2, MAX_RECONNECT_MS)
    }
  }

  /** Runs one connection. Rejects with what broke it, returns when asked to close. */
  async #listen(onListening: () => void): Promise<void> {
    const { connectionUrl, answerTimeoutMs = ANSWER_TIMEOUT_MS, heartbeatIntervalMs = HEARTBEAT_INTERVAL_MS } = this.#options
    const client = new Client({ ...connectionConfig(connectionUrl, { statementTimeoutMs: 0 }), connectionTimeoutMillis: answerTimeoutMs })
    const broken = new AbortController()
    client.on('error', (error) => broken.abort(error))
    client.on('end', () => broken.abort(new Error('Connection terminated')))
    client.on('notification', ({ payload = '' }) => this.#receive(payload))
    const { stream } = client.connection
    try {
      await client.connect()
      await within(client, answerTimeoutMs, async () => await client.query(`listen ${WIRE_CHANNEL}`))
      onListening()
      const signal = AbortSignal.any([this.#closing.signal, broken.signal])
      while (!signal.aborted) {
        await sleep(heartbeatIntervalMs, undefined, { signal }).catch(() => {}) // an abort ends the loop
        if (!signal.aborted) await within(client, answerTimeoutMs, async () => await client.query('select 1'))
      }
      if (broken.signal.aborted) throw broken.signal.reason
      await within(client, answerTimeoutMs, async () => await client.end())
    } finally {
      stream.destroy()
    }
  }

  #receive(text: string): void {
    const space = text.indexOf(' ')
    const listeners = this.#listeners.get(text.slice(0, space))
    if (listeners !== undefined) this.#deliver(listeners, { kind: 'message', payload: text.slice(space + 1) })
  }

  #deliver(listeners: ReadonlySet<PubSubListener>, message: PubSubMessage): void {
    for (const listener of Array.from(listeners)) {
      if (listeners.has(listener)) void this.#call(listener, message) // an earlier listener may have ended this subscription
    }
  }

  async #call(listener: PubSubListener, message: PubSubMessage): Promise<void> {
    try {
      await listener(message)
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a wake-up listener failed')
    }
  }
}

function checkedChannel(channel: string): string {
  if (!CHANNEL_NAME.test(channel))
    throw new TypeError(`Invalid channel name ${JSON.stringify(channel)}: use 1 to 200 characters without white space`)
  return channel
}

/** Waits for the server's answer and cuts the connection when none comes in time. */
async function within(client: Client, timeoutMs: number, question: () => Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    await question()
  } finally {
    clearTimeout(timer)
  }
}
