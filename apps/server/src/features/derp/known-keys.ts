import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { KEY_BYTES } from './frames.ts'
import { peerId } from './relay.ts'

interface Options {
  readonly clock: Clock
  readonly logger: Logger
  /** Tells the other replicas of keys. They call {@link KnownKeys.learn}. */
  readonly publish: (ids: readonly string[]) => Promise<void>
}

/**
 * How long a key stays known after its owner left the coordinator: clients go on using the relay
 * while they reconnect to it.
 */
const REMEMBER_MS = 24 * 3_600_000
const MAX_REMEMBERED = 100_000
/** Keys that arrive within this time are published together. */
const PUBLISH_DELAY_MS = 100
const MAX_KEYS_PER_MESSAGE = 100

/**
 * The keys of agents and clients that the coordinator has met, on this replica or another. They are
 * named by their {@link peerId}.
 */
export class KnownKeys {
  readonly #options: Options
  /** How many open connections to the coordinator hold a key. */
  readonly #held = new Map<string, number>()
  /** Until when a key is remembered, in milliseconds since the epoch, the oldest first. */
  readonly #remembered = new Map<string, number>()
  readonly #unpublished = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  has(id: string): boolean {
    return this.#held.has(id) || (this.#remembered.get(id) ?? 0) > this.#options.clock.now().getTime()
  }

  /** Knows a key until the returned function is called, and for a day after that. */
  hold(id: string): () => void {
    if (!this.has(id)) this.#publishSoon(id)
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1)
    return () => {
      const count = (this.#held.get(id) ?? 0) - 1
      if (count > 0) this.#held.set(id, count)
      else {
        this.#held.delete(id)
        this.learn([id])
      }
    }
  }

  /** Knows keys for a day. */
  learn(ids: readonly string[]): void {
    const until = this.#options.clock.now().getTime() + REMEMBER_MS
    for (const id of ids) {
      this.#remembered.delete(id)
      this.#remembered.set(id, until)
    }
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break
      this.#remembered.delete(oldest)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #publishSoon(id: string): void {
    this.#unpublished.add(id)
    this.#timer ??= setTimeout(() => void this.#publish(), PUBLISH_DELAY_MS).unref()
  }

  /** Never rejects. */
  async #publish(): Promise<void> {
    this.#timer = undefined
    const ids = [...this.#unpublished]
    this.#unpublished.clear()
    try {
      for (let start = 0; start < ids.length; start += MAX_KEYS_PER_MESSAGE)
        await this.#options.publish(ids.slice(start, start + MAX_KEYS_PER_MESSAGE))
    } catch (error) {
      // The relay of this replica knows them all the same.
      this.#options.logger.warn({ err: error }, "couldn't tell other replicas of the relay's clients")
    }
  }
}

/** Returns the ID of a key as a node states it, `nodekey:<hex>`; undefined for anything else. */
export function idOfNodeKey(text: unknown): string | undefined {
  const [, hex] = typeof text === 'string' ? (/^nodekey:([0-9a-f]+)$/i.exec(text) ?? []) : []
  return hex?.length === 2 * KEY_BYTES ? peerId(Buffer.from(hex, 'hex')) : undefined
}
