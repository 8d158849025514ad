import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { Client } from 'pg'
import type { Logger } from 'pino'
import { connectionConfig } from './connection.ts'
import type { Queries } from './database.ts'

/**
 * What a listener hears: that something was published, or that messages may have been missed, so that it has to look for itself. The latter comes with
 * every new connection.
 */
export type PubSubMessage = { readonly kind: 'message'; readonly payload: string } | { readonly kind: 'resync' }

/** Called for each message in order. What it throws or rejects with is logged and concerns nobody else. */
export type PubSubListener = (message: PubSubMessage) => void | Promise<void>

/** How to listen. */
export interface PubSubOptions {
  readonly connectionUrl: string
  readonly logger: Logger
  /** How often the connection is tried. Default 15 s. */
  readonly heartbeatIntervalMs?: number
  /** How long an answer may take before the connection counts as dead. Default 10 s. */
  readonly answerTimeoutMs?: number
}

/**
 * The one channel of PostgreSQL in use; ours are the first word of the payload. A subscription then costs no statement, and whoever has subscribed
 * hears everything that is committed from then on.
 */
const WIRE_CHANNEL = 'berth'

const CHANNEL_NAME = /^[^\s]{1,200}$/

/** PostgreSQL takes fewer than 8000 bytes. */
const MAX_WIRE_BYTES = 7_999

const FIRST_RECONNECT_MS = 50
const MAX_RECONNECT_MS = 5_000
const HEARTBEAT_INTERVAL_MS = 15_000
const ANSWER_TIMEOUT_MS = 10_000

const NOTHING = () => {}

/**
 * Publishes on a channel when the transaction commits, or at once outside of one. It wakes listeners; what they need to know is in the tables. Commits
 * that publish wait for each other: a few a second are fine, thousands are not.
 *
 * @throws RangeError where channel and payload together have 8000 bytes or more; TypeError for an empty channel name or one with white space.
 */
export async function notify(queries: Queries, channel: string, payload = ''): Promise<void> {
  await notifyAll(queries, channel, [payload])
}

/** As {@link notify}, for many payloads in one statement; listeners hear them in order, equal ones of a transaction once. */
export async function notifyAll(queries: Queries, channel: string, payloads: readonly string[]): Promise<void> {
  const texts = payloads.map((payload) => `${checkedChannel(channel)} ${payload}`)
  const largest = Math.max(0, ...texts.map((text) => Buffer.byteLength(text)))
  if (largest > MAX_WIRE_BYTES)
    throw new RangeError(`What is published on ${channel} has ${largest} bytes with its channel, more than ${MAX_WIRE_BYTES}`)
  await sql`select pg_notify(${WIRE_CHANNEL}, text) from unnest(${texts}::text[]) as text`.execute(queries)
}

/**
 * Hears what any server on the database publishes with {@link notify}, over one connection of its own, made anew whenever it breaks.
 */
export class PubSub {
  /** Settles when it has been connected once. */
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
   * Calls `listener` for whatever is committed on a channel from now on. Read the state you follow after subscribing, not before. Where the connection is
   * down at the moment, a resync comes when it is back.
   *
   * @returns ends the subscription: the listener is not called again.
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
        if (!signal.aborted) logger.warn({ err: error, delayMs }, 'the connection for wake-ups broke; connecting again')
      }
      await sleep(delayMs, undefined, { signal }).catch(() => {}) // an abort ends the loop
      delayMs = Math.min(delayMs * 2, MAX_RECONNECT_MS)
    }
  }

  /** One connection from beginning to end. Rejects with what broke it; returns when asked to close. */
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
      if (listeners.has(listener)) void this.#call(listener, message) // an earlier one in the row may have ended its subscription
    }
  }

  async #call(listener: PubSubListener, message: PubSubMessage): Promise<void> {
    try {
      await listener(message)
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a listener failed')
    }
  }
}

function checkedChannel(channel: string): string {
  if (!CHANNEL_NAME.test(channel))
    throw new TypeError(`The channel name ${JSON.stringify(channel)} is empty, longer than 200 characters or has white space`)
  return channel
}

/** Waits for the server's answer; where none comes in time the connection is cut, which ends the waiting. */
async function within(client: Client, timeoutMs: number, question: () => Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    await question()
  } finally {
    clearTimeout(timer)
  }
}
